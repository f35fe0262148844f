//go:build race

package fabric

// underRace says that everything takes ten times as long.
const underRace = true
