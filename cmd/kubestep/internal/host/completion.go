package host

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/tui/host"
)

// Completion reads what kubectl's hidden command __complete printed on stdout: a proposal a line, with a tab before what it
// is, and at the end a colon with cobra's directive. Where the directive asks for file names, they are looked up. begun is
// what has been typed of the word, and dir the folder that kubectl runs in, "" for this program's. It reads folders, so it
// is not for where nothing may block.
func Completion(stdout, dir, begun string) host.Completion {
	var c host.Completion
	var directive cobra.ShellCompDirective
	var lines []string
	for line := range strings.SplitSeq(stdout, "\n") {
		if number, ok := strings.CutPrefix(line, ":"); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(number)); err == nil {
				directive = cobra.ShellCompDirective(n)
				break
			}
		}
		if line != "" && !strings.HasPrefix(line, "_activeHelp_") {
			lines = append(lines, line)
		}
	}
	if _, value, ok := strings.Cut(begun, "="); ok && strings.HasPrefix(begun, "-") {
		begun = value
	}
	switch {
	case directive&cobra.ShellCompDirectiveError != 0:
		return c
	case directive&cobra.ShellCompDirectiveFilterFileExt != 0:
		c.Proposals = files(dir, begun, lines, false)
	case directive&cobra.ShellCompDirectiveFilterDirs != 0:
		c.Proposals = files(dir, begun, nil, true)
	case len(lines) == 0 && directive&cobra.ShellCompDirectiveNoFileComp == 0:
		c.Proposals = files(dir, begun, nil, false)
	default:
		for _, line := range lines {
			word, about, _ := strings.Cut(line, "\t")
			c.Proposals = append(c.Proposals, host.Proposal{Word: word, About: about})
		}
	}
	c.Open = directive&cobra.ShellCompDirectiveNoSpace != 0 ||
		len(c.Proposals) == 1 && strings.HasSuffix(c.Proposals[0].Word, "/")
	return c
}

// files returns the names below the folder in that begin with begun: folders, and files with one of the endings, all when there are none.
func files(in, begun string, endings []string, onlyFolders bool) []host.Proposal {
	dir, name := filepath.Split(begun)
	place := dir
	if !filepath.IsAbs(dir) {
		place = filepath.Join(cmp.Or(in, "."), dir)
	}
	entries, err := os.ReadDir(place)
	if err != nil {
		return nil // what is not there completes nothing
	}
	var out []host.Proposal
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name) || name == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		switch {
		case e.IsDir():
			out = append(out, host.Proposal{Word: dir + e.Name() + "/"})
		case onlyFolders:
		case len(endings) == 0 || slices.Contains(endings, strings.TrimPrefix(filepath.Ext(e.Name()), ".")):
			out = append(out, host.Proposal{Word: dir + e.Name()})
		}
	}
	return out
}
