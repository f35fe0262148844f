package list

import (
	"slices"

	"github.com/kubestep/kubestep/tui/theme"
)

// End is where a selection stays while the reader has not moved it away from there.
type End int

// The ends.
const (
	NoEnd End = iota // it stays with its row
	First            // with what is newest at the top
	Last             // with what is newest at the bottom
)

// Keyed is a list whose selection stays with its row while others come and go. A row that is gone is selected again when
// it comes back, as rows do when the reader moves through time; meanwhile the one in its place is. The zero value with a
// Key is an empty list.
type Keyed[T any] struct {
	Key  func(T) string
	End  End
	rows []T
	list List
	key  string // of the selected row; "" at the End, and before the first move
}

// Set replaces the rows. They may be kept and must not be changed until the next Set.
func (k *Keyed[T]) Set(rows []T) {
	k.rows = rows
	last := max(len(rows)-1, 0)
	switch {
	case k.key != "":
		if at := slices.IndexFunc(rows, func(r T) bool { return k.Key(r) == k.key }); at >= 0 {
			k.list.At = at
		}
	case k.End == First:
		k.list.At = 0
	case k.End == Last:
		k.list.At = last
	}
	k.list.At = min(k.list.At, last)
}

// Rows returns the rows.
func (k *Keyed[T]) Rows() []T { return k.rows }

// Len returns how many rows there are.
func (k *Keyed[T]) Len() int { return len(k.rows) }

// At returns the selected row's place, 0 when there is none.
func (k *Keyed[T]) At() int { return k.list.At }

// Selected returns the selected row; ok is false when there is none.
func (k *Keyed[T]) Selected() (row T, ok bool) {
	if len(k.rows) == 0 {
		return row, false
	}
	return k.rows[k.list.At], true
}

// Move moves the selection by n rows; very large numbers mean the ends.
func (k *Keyed[T]) Move(n int) {
	k.list.Move(n, len(k.rows))
	k.pin()
}

// Click selects the row on line y of the last View.
func (k *Keyed[T]) Click(y int) {
	k.list.Click(y, len(k.rows))
	k.pin()
}

// Pin keeps the selection with its row, wherever that is.
func (k *Keyed[T]) Pin() {
	if len(k.rows) > 0 {
		k.key = k.Key(k.rows[k.list.At])
	}
}

// Reset takes the selection back to where it was at first.
func (k *Keyed[T]) Reset() { k.key, k.list = "", List{} }

// pin keeps the selection with its row, unless that is at the end where it stays by itself.
func (k *Keyed[T]) pin() {
	atEnd := k.End == First && k.list.At == 0 || k.End == Last && k.list.At == len(k.rows)-1
	if k.key = ""; !atEnd {
		k.Pin()
	}
}

// View returns h lines of w cells.
func (k *Keyed[T]) View(t theme.Theme, row func(T) []Cell, w, h int, focused bool) []string {
	return k.list.View(t, len(k.rows), func(i int) []Cell { return row(k.rows[i]) }, w, h, focused)
}
