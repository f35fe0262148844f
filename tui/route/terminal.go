package route

import (
	"io"

	tea "charm.land/bubbletea/v2"
)

// handOver is something that has the terminal while it runs, a [tea.ExecCommand]. It takes the terminal itself and not
// from Bubble Tea, whose output may be a writer that counts or records.
type handOver func() error

func (f handOver) Run() error        { return f() }
func (handOver) SetStdin(io.Reader)  {}
func (handOver) SetStdout(io.Writer) {}
func (handOver) SetStderr(io.Writer) {}

// InFront returns a command that hands the terminal to run until it returns, and then delivers its error to the screen at
// an address, with a value.
func InFront(to Address, value any, run func() error) tea.Cmd {
	return tea.Exec(handOver(run), func(err error) tea.Msg { return Result{To: to, Value: value, Err: err} })
}
