package view

import (
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	const line = "kube-scheduler create pods/web-1"
	for words, want := range map[string]bool{
		"": true, "web": true, "web create": true, "web delete": false, "!delete": true, "!web": false, "web !scheduler": false, "web !": true,
	} {
		if got := Matches(line, strings.Fields(words)); got != want {
			t.Errorf("%q in %q: %t, want %t", words, line, got, want)
		}
	}
}
