package traceview

import (
	"fmt"
	"strings"

	"github.com/kubestep/kubestep/tui/view"
)

// line is one line of the list.
type line struct {
	seq     uint64
	depth   int
	effects int // that hang below it, folded or not
	folded  bool
	next    bool // it is the only effect of the line above it
}

// prefix returns what stands before a line's words. What has one effect only goes on in the same column, so that a long
// chain of hand-overs does not run out of the screen; only where it forks does it go in. A broken line is a cause that is
// inferred.
func (l *line) prefix(w int, inferred bool) string {
	deepest := max(w/10, 3)
	in := strings.Repeat("·", min(l.depth, deepest))
	if l.depth > deepest {
		in = strings.Repeat("·", deepest-1) + "…" + fmt.Sprint(l.depth) + " "
	}
	next, fork := "↓ ", "└─"
	if inferred {
		next, fork = "⇣ ", "└┄"
	}
	switch {
	case l.folded:
		return in + fmt.Sprintf("▸(%d) ", l.effects)
	case l.next:
		return in + next
	case l.depth > 0:
		return in + fork
	}
	return in
}

// narrow is the width, in cells, below which a tree leaves out the causes' numbers, which its shape says.
const narrow = 96

// none marks the absence of an entry.
const none = -1

// soil is what plant works with. It is kept, because a tree of a long recording is planted anew for each step through
// time.
type soil struct {
	parent  []int32 // the nearest shown cause
	effects []int32
	first   []int32
	next    []int32
	wanted  []bool // it or something that it led to matches the filter
	shown   []bool
}

// sized returns s with n elements, all zero.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	s = s[:n]
	clear(s)
	return s
}

// plant works out the lines of the tree. What is left out, such as background, hands its effects on to the nearest cause
// that is shown.
func (v *Trace) plant() {
	n := len(v.entries)
	s := &v.soil
	s.parent, s.effects, s.wanted, s.shown = sized(s.parent, n), sized(s.effects, n), sized(s.wanted, n), sized(s.shown, n)
	parent, effects, wanted, shown := s.parent, s.effects, s.wanted, s.shown
	for i := range v.entries {
		x := &v.entries[i]
		shown[i] = v.shown(x)
		parent[i] = none
		if at, has := v.search(x.cause); x.cause != 0 && has && at < i {
			if parent[i] = int32(at); !shown[at] {
				parent[i] = parent[at]
			}
		}
	}
	for i := n - 1; i >= 0; i-- {
		x := &v.entries[i]
		if !shown[i] {
			continue
		}
		if wanted[i] = wanted[i] || view.Matches(x.hay, v.words); wanted[i] && parent[i] != none {
			wanted[parent[i]] = true
			effects[parent[i]]++
		}
	}
	s.siblings(func(i int) bool { return wanted[i] && shown[i] })
	first, next := s.first, s.next
	v.lines = v.lines[:0]
	type place struct {
		at    int32
		depth int
		next  bool
	}
	stack := []place{{first[n], 0, false}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p.at == none {
			continue
		}
		if s := next[p.at]; s != none {
			stack = append(stack, place{s, p.depth, false})
		}
		l := line{seq: v.entries[p.at].seq, depth: p.depth, effects: int(effects[p.at]), next: p.next}
		l.folded = l.effects > 0 && v.collapsed[l.seq]
		v.lines = append(v.lines, l)
		if !l.folded && first[p.at] != none {
			depth, only := p.depth+1, l.effects == 1
			if only {
				depth--
			}
			stack = append(stack, place{first[p.at], depth, only})
		}
	}
}

// siblings links what in picks: first[i] is the first effect of i and first[len(parent)] the first root, next the one
// after, all in their order.
func (s *soil) siblings(in func(i int) bool) {
	parent := s.parent
	n := len(parent)
	s.first, s.next = sized(s.first, n+1), sized(s.next, n)
	first, next := s.first, s.next
	for i := range first {
		first[i] = none
	}
	for i := n - 1; i >= 0; i-- {
		next[i] = none
		if !in(i) {
			continue
		}
		above := n
		if parent[i] != none {
			above = int(parent[i])
		}
		next[i], first[above] = first[above], int32(i)
	}
}
