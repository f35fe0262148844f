// Package trace is the event model of the lab: what happened, in which order, and why.
//
// A tap (a wrapper on an edge between two components) reports to a [Tap], which asks the [Gate] whether the event may
// happen now, gives it its sequence number, links it to its cause and puts it into a [Store]. Readers pull from the
// store with a cursor, so a slow reader never slows the cluster. A [Recording] is the same stream in a file.
//
// Anybody may import this package; it imports only the standard library.
package trace
