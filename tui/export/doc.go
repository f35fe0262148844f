// Package export writes what the screens show to files that others read: a screen as SVG or HTML, a trace as Markdown, a
// terminal session as an asciicast. It only writes; nothing in it asks a lab, and no file is opened here.
//
// The lab screen and cmd import it; of ours it imports engine/trace, export/tree, describe and text.
package export
