package lab

import "fmt"

// GoTo shows the moment right after the event with a number. It is an error when the event is not kept.
func (m *Lab) GoTo(seq uint64) error {
	first, last := m.o.Store.Len()
	if seq < first || seq > last {
		return fmt.Errorf("there is no event %d; there are %d to %d", seq, first, last)
	}
	m.at = seq
	m.refresh()
	return nil
}
