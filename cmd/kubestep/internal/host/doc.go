// Package host does what the screens ask of the machine that they run on: the reader's own shell and editor, what was typed
// in earlier runs, completion, and files to keep. The screens know it as tui/host.
//
// Only cmd imports it; of ours it imports tui/host for the shape of an answer and tui/export for asciicasts.
package host

// Env looks up a variable of the environment; os.LookupEnv is one.
type Env func(name string) (value string, set bool)

func (e Env) get(name string) string {
	v, _ := e(name)
	return v
}
