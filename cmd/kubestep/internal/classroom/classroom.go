// Package classroom begins attempts at lessons in a running lab and keeps what a learner has done.
//
// Only cmd/kubestep imports it; it imports engine, engine/{check,course,progress,quiz}, lessons/schema and the seams of
// the screens, tui/{play,route}.
package classroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/progress"
	"github.com/kubestep/kubestep/lessons/schema"
	"github.com/kubestep/kubestep/tui/play"
	"github.com/kubestep/kubestep/tui/route"
)

// Options are what a [Room] needs.
type Options struct {
	Lessons []*schema.Lesson
	Store   *progress.Store
	Lab     engine.Lab
	// Dir is a folder for lessons' manifests, which lasts as long as the lab.
	Dir string
	// Kubectl returns what runs kubectl with a kubeconfig in a folder.
	Kubectl func(kubeconfig, dir string) func(ctx context.Context, args []string) (output string, err error)
	Log     *slog.Logger
}

// Room is where lessons are played. Its methods are safe for concurrent use.
type Room struct {
	o        Options
	troubles chan error

	mu   sync.Mutex
	ours map[string]bool // UIDs of what lessons have made
	dirs int             // folders made so far
	now  *course.Session // the attempt that was begun last, until it ends
	dir  string          // its folder
}

// New returns a room. It does nothing yet.
func New(o Options) *Room {
	return &Room{o: o, troubles: make(chan error, 1), ours: map[string]bool{}}
}

// Trouble delivers what goes wrong with keeping progress.
func (r *Room) Trouble() <-chan error { return r.troubles }

// Dir returns the folder with the manifests of the attempt that is under way; empty when there is none.
func (r *Room) Dir() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dir
}

// attempt is a session that the screens can run.
type attempt struct {
	*course.Session
	room *Room
}

// Run implements [play.Attempt]. What is made after it is the learner's own, outside of any lesson's folder.
func (a attempt) Run(ctx context.Context) error {
	defer a.room.leave(a.Session)
	return a.Session.Run(ctx)
}

// leave notes what an attempt has made.
func (r *Room) leave(s *course.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = s.World(func(w *check.World) error { // the function has no error
		for _, o := range w.Made() {
			r.ours[o.UID] = true
		}
		return nil
	})
	if r.now == s {
		r.now, r.dir = nil, ""
	}
}

// Begin makes an attempt at a lesson: the one that was left, or a new one. What earlier lessons have made goes first; what
// the learner has made is a [play.InTheWay] unless it is to be cleared.
func (r *Room) Begin(ctx context.Context, what route.Lesson) (play.Attempt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.lesson(what.ID)
	if err != nil {
		return nil, err
	}
	status := r.o.Lab.Status()
	if err := fits(l, status); err != nil {
		return nil, err
	}
	l, resume, err := r.pick(l, what)
	if err != nil {
		return nil, err
	}
	dir, err := r.newDir(l)
	if err != nil {
		return nil, err
	}
	o := course.Options{Lesson: l, Lab: r.o.Lab, Kubectl: r.o.Kubectl(status.Kubeconfig, dir), Save: r.save(l), Resume: resume, Log: r.o.Log}
	if err := r.clear(ctx, o, what.Clear); err != nil {
		return nil, err
	}
	session, err := course.NewSession(ctx, o)
	if err != nil {
		return nil, err
	}
	r.now, r.dir = session, dir
	step := what.Step
	if step == "" && resume != nil {
		step = resume.Step
	}
	session.Do(course.Start{Step: step})
	return attempt{session, r}, nil
}

func (r *Room) lesson(id string) (*schema.Lesson, error) {
	for _, l := range r.o.Lessons {
		if l.ID == id {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no lesson %q", engine.ErrUsage, id)
}

// fits reports what a lesson needs and the lab lacks, with what to do about it.
func fits(l *schema.Lesson, s engine.Status) error {
	switch {
	case !s.Ready || s.Stopped:
		return errors.New("the lab does not run")
	case l.Lab.Runtime == "containerd":
		return errors.New("it needs containers of Linux, which this lab does not have")
	case wrongNetwork(l, s):
		return fmt.Errorf("it needs nodes that are joined by %s, and those of this lab are by %s: leave, and run `kubestep run %s`",
			l.Lab.Network, s.Network, l.ID)
	case s.Nodes < l.Lab.Nodes:
		return fmt.Errorf("it needs %d nodes, and this lab has %d: leave, and run `kubestep run %s`", l.Lab.Nodes, s.Nodes, l.ID)
	}
	return nil
}

// wrongNetwork reports whether packets get from node to node in another way than the lesson says, if it says one.
func wrongNetwork(l *schema.Lesson, s engine.Status) bool {
	wanted := engine.NetworkMode(l.Lab.Network)
	return slices.Contains(engine.NetworkModes(), wanted) && wanted != s.Network
}

// pick returns the lesson with an attempt's values: those of the one that was left, or other ones.
func (r *Room) pick(l *schema.Lesson, what route.Lesson) (*schema.Lesson, *course.State, error) {
	var kept play.Kept
	ok, err := r.o.Store.Get(progress.Lessons, l.ID, &kept)
	if err != nil {
		r.Report(err) // a lesson can be played all the same
	}
	if ok && !kept.Done && kept.Step != "" && !what.Restart {
		if with, err := l.With(kept.Values); err == nil { // an attempt at an older edition begins anew
			return with, &kept.State, nil
		}
	}
	with, err := l.With(l.Draw(rand.Uint64()))
	return with, nil, err
}

// newDir writes the lesson's manifests into a folder of their own.
func (r *Room) newDir(l *schema.Lesson) (string, error) {
	r.dirs++
	dir := filepath.Join(r.o.Dir, fmt.Sprintf("lesson-%d", r.dirs))
	return dir, Manifests(dir, l)
}

// Manifests writes a lesson's manifests where its commands find them.
func Manifests(dir string, l *schema.Lesson) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the lesson's files: %w", err)
	}
	for _, name := range l.Manifests() {
		raw, _ := l.File(name)
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			return fmt.Errorf("keep the lesson's files: %w", err)
		}
	}
	return nil
}

// clearWithin bounds how long removing takes: something may hold it.
const clearWithin = 20 * time.Second

// quiet is how long nothing may happen until a lab counts as settled.
const quiet = 150 * time.Millisecond

// clear mends what is broken, and takes away what earlier lessons have made, and all else when that is agreed to.
func (r *Room) clear(ctx context.Context, o course.Options, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, clearWithin)
	defer cancel()
	if err := r.letGo(ctx); err != nil {
		return err
	}
	if err := course.Mend(ctx, o); err != nil {
		return err
	}
	loose, err := course.Loose(ctx, r.o.Lab)
	if err != nil || len(loose) == 0 {
		return err
	}
	var others []string
	for _, x := range loose {
		if !x.Owned && !r.ours[x.UID] {
			others = append(others, strings.ToLower(x.Kind)+"/"+x.Name)
		}
	}
	if len(others) > 0 && !all {
		return &play.InTheWay{Objects: others}
	}
	return course.Clear(ctx, o, loose)
}

// letGo lets everything go that is held, so that what it makes is there to be cleared and does not come into the lesson.
func (r *Room) letGo(ctx context.Context) error {
	debugger := r.o.Lab.Debugger()
	s := debugger.State()
	for _, pattern := range s.Breakpoints { // the lesson brings its own
		if _, err := debugger.Do(ctx, engine.Command{Verb: engine.Unbreak, Pattern: pattern}); err != nil {
			return fmt.Errorf("take breakpoint %q away: %w", pattern, err)
		}
	}
	if len(s.Held) == 0 && s.Mode == engine.Run {
		return nil
	}
	if _, err := debugger.Do(ctx, engine.Command{Verb: engine.Continue}); err != nil {
		return fmt.Errorf("let go of what is held: %w", err)
	}
	if err := debugger.Settle(ctx, quiet); err != nil {
		return fmt.Errorf("wait until nothing happens any more: %w", err)
	}
	return nil
}

// Report tells the learner of trouble with keeping progress; what nobody has read yet stays.
func (r *Room) Report(err error) {
	r.o.Log.Warn("keep progress", "err", err)
	select {
	case r.troubles <- err:
	default:
	}
}
