// Package host says what the screens ask of the machine that they run on: the reader's shell and editor, completion,
// files to keep. It holds types only; cmd fills them in.
//
// The root model and the screens import it; it imports nothing of ours.
package host

import (
	"context"
	"io"
	"time"
)

// Host is what the screens may ask for. A function that is nil takes its keys away. What blocks is called from a
// goroutine of its own and never from Update or View; Shell, Edit and Replay only while the terminal has been handed over.
type Host struct {
	// Shell runs the reader's own shell on the terminal until it ends; hint is shown before. It is an error when there is
	// no such shell, not when the shell's last command failed.
	Shell func(hint string) error
	// Edit runs the reader's editor on a file until it ends; an editor that fails is an error.
	Edit func(file string) error
	// Complete says how a kubectl command line could go on. words are the command line up to the cursor without
	// "kubectl"; the last one is what has been begun of a word, maybe "".
	Complete func(ctx context.Context, words []string) (Completion, error)
	// Keep writes a new file among the reader's own and returns its path. name may have a folder in it: "drafts/web.yaml".
	// When a file of that name is there, the new one gets a number; nothing is ever overwritten.
	Keep func(name string, write func(w io.Writer) error) (path string, err error)
	// Cast begins to write what the terminal shows to a new file, or ends that, and returns the file's path.
	Cast func(on bool) (path string, err error)
	// Recordings returns what the reader has kept of labs, newest first.
	Recordings func(ctx context.Context) ([]Recording, error)
	// Replay opens a recording in screens of its own until the reader leaves them; lang is their language.
	Replay func(path, lang string) error
	// Casting says that it has begun already.
	Casting bool
	// History is what was typed at the prompt in earlier runs, oldest first. Remember adds a line for later ones.
	History  []string
	Remember func(line string) error
}

// Recording is one that the reader has kept.
type Recording struct {
	Path string
	Kept time.Time
}

// Completion is how a word could go on.
type Completion struct {
	Proposals []Proposal
	// Open is set when the word is not over after a proposal, as after "deployments/".
	Open bool
}

// Proposal is one way.
type Proposal struct {
	// Word is the whole word, with what has been begun of it.
	Word string
	// About says what it is; it may be empty.
	About string
}
