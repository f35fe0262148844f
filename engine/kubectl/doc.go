// Package kubectl is upstream's kubectl inside this program.
//
// kubectl keeps state in process globals and ends its process when a command fails, so it runs in a process of its own:
// the same program, started again. [Command] prepares that process, [Main] is what runs in it. Every request that changes
// something carries the call stack that made it in the header [trace.FramesHeader], so that the lab can show kubectl's own
// source as it shows a controller's; see transport.go.
//
// Only cmd imports this package; others get a function from it.
package kubectl
