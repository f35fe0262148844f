// Package e2e holds the tests that drive the built program from outside, as a user does: its commands, an unmodified
// kubectl, signals, and its screens in tmux. It imports nothing that brings Kubernetes along, so it compiles in seconds.
//
// Nobody imports it. `make e2e` runs it; KUBESTEP_BINARY names the program, which is built otherwise.
package e2e
