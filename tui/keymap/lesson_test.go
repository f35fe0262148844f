package keymap

import "testing"

// A key must not mean two things: but for those that work in the past only, each is there once.
func TestKeysMeanOneThing(t *testing.T) {
	for name, bindings := range map[string][]Binding{"lab": Lab(), "lesson": Lesson(MostChoices)} {
		of := map[string]Action{}
		for _, b := range bindings {
			for _, k := range b.Keys {
				if other, taken := of[k]; taken && other != Now {
					t.Errorf("%s: %s means action %d and action %d", name, k, other, b.Action)
				}
				of[k] = b.Action
			}
		}
	}
}
