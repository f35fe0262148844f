package check

import "github.com/kubestep/kubestep/engine/gate"

// Waiting returns the IDs of the held events that match a pattern, in the order in which the gate has them.
func (w *World) Waiting(pattern string) ([]uint64, error) {
	p, err := gate.Parse(pattern)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for i := range w.held {
		if p.Match(&w.held[i].Event) {
			out = append(out, w.held[i].ID)
		}
	}
	return out, nil
}

// Matching returns the numbers of the events since the attempt began that match a pattern, in order.
func (w *World) Matching(pattern string) ([]uint64, error) {
	p, err := w.watch(pattern)
	if err != nil {
		return nil, err
	}
	out := make([]uint64, 0, len(p.seqs))
	for _, seq := range p.seqs {
		if seq > w.start {
			out = append(out, seq)
		}
	}
	return out, nil
}
