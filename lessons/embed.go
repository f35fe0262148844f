// Package lessons holds the lessons that come with the program, one folder each; README.md says how to write one.
// lessons/schema reads them. It has no logic and imports nothing of this module.
package lessons

import "embed"

// FS has a folder for each lesson.
//
//go:embed delete-pod first-pod pod-to-pod rolling-update tour dns-search
var FS embed.FS
