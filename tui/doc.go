// Package tui is the terminal interface: it shows a lab's event stream and asks the lab to hold, step and act. It never
// touches the cluster, so a recording of the stream opens in it as well.
//
// [Model] only routes messages and stacks overlays. Screens are in screen/NAME, reusable parts in component/NAME; theme,
// keymap, layout and text are leaves. Three routes carry every message: a key goes to the top overlay or the focused
// screen, what the lab reports goes to every screen once, and a command's result goes to the screen that asked.
//
// cmd imports this package; it imports engine and engine/trace and nothing of Kubernetes.
package tui
