package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	lessonFile = "lesson.yaml"
	// maxFile bounds each file of a lesson, in bytes, and maxFiles how many there are.
	maxFile  = 256 << 10
	maxFiles = 64
)

// Load reads the lesson in folder dir of fsys. The lesson is nil when there are problems. Its variables have their first
// values; [Lesson.With] gives them others.
func Load(fsys fs.FS, dir string) (*Lesson, Problems) {
	files, problems := readFiles(fsys, dir)
	if len(problems) > 0 {
		return nil, problems
	}
	return parse(path.Base(dir), files, nil)
}

// LoadAll reads every folder of fsys that has a lesson.yaml, in the order of their names, and checks what they say of
// each other. Lessons with problems are left out.
func LoadAll(fsys fs.FS) ([]*Lesson, Problems) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, Problems{{Pos{".", 1}, "the folder cannot be read: " + err.Error(), ""}}
	}
	var (
		all      []*Lesson
		problems Problems
		ids      []string
	)
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := fs.Stat(fsys, path.Join(e.Name(), lessonFile)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		ids = append(ids, e.Name())
		l, p := Load(fsys, e.Name())
		problems = append(problems, p...)
		if l != nil {
			all = append(all, l)
		}
	}
	for _, l := range all {
		for _, id := range l.Requires {
			if !slices.Contains(ids, id) || id == l.ID {
				problems = append(problems, Problem{Pos{path.Join(l.dir, lessonFile), 1}, fmt.Sprintf("requires names the lesson %q, which is not there", id), oneOf(id, ids)})
			}
		}
	}
	return all, problems.sort()
}

// With returns the lesson with other values for its variables; those that are not given keep theirs.
func (l *Lesson) With(values map[string]string) (*Lesson, error) {
	v := map[string]string{}
	for _, x := range l.Vars {
		v[x.Name] = l.Values[x.Name]
		if given, ok := values[x.Name]; ok {
			if !slices.Contains(x.Values, given) {
				return nil, fmt.Errorf("variable %s of lesson %s cannot be %q", x.Name, l.ID, given)
			}
			v[x.Name] = given
		}
	}
	made, problems := parse(l.dir, l.files, v)
	return made, problems.Err()
}

// Draw returns values for the variables. The same seed gives the same values.
func (l *Lesson) Draw(seed uint64) map[string]string {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // variety, not secrets
	v := map[string]string{}
	for _, x := range l.Vars {
		v[x.Name] = x.Values[r.IntN(len(x.Values))]
	}
	return v
}

func readFiles(fsys fs.FS, dir string) (map[string][]byte, Problems) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, Problems{{Pos{dir, 1}, "the folder cannot be read: " + err.Error(), ""}}
	}
	files := map[string][]byte{}
	var problems Problems
	add := func(name, fix, what string) {
		problems = append(problems, Problem{Pos{path.Join(path.Base(dir), name), 1}, what, fix})
	}
	if len(entries) > maxFiles {
		add("", "take some away", fmt.Sprintf("the folder has more than %d files", maxFiles))
		return nil, problems
	}
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		switch {
		case strings.HasPrefix(name, "."):
			continue
		case err != nil:
			add(name, "", "cannot be read: "+err.Error())
			continue
		case !info.Mode().IsRegular():
			add(name, "put every file right into the lesson's folder", "is no file")
			continue
		case info.Size() > maxFile:
			add(name, fmt.Sprintf("keep it below %d KiB", maxFile>>10), "is too large")
			continue
		}
		raw, err := fs.ReadFile(fsys, path.Join(dir, name))
		if err != nil {
			add(name, "", "cannot be read: "+err.Error())
			continue
		}
		files[name] = raw
	}
	for _, name := range append([]string{lessonFile}, languageFiles()...) {
		if files[name] == nil && len(problems) == 0 {
			add(name, "write it; `kubestep lesson new` makes a folder with all files", "is missing")
		}
	}
	return files, problems
}

func languageFiles() []string {
	var names []string
	for _, lang := range Languages {
		names = append(names, lang+".md")
	}
	return names
}

// loader reads one folder.
type loader struct {
	reader
	l         *Lesson
	problems  Problems
	manifests []string
	used      map[string]bool // manifests that a command names
}

// parse reads the files of the folder dir. Without values, variables take their first.
func parse(dir string, files map[string][]byte, values map[string]string) (*Lesson, Problems) {
	ld := &loader{l: &Lesson{dir: dir, files: files, Values: values}, used: map[string]bool{}}
	ld.reader = reader{path.Join(dir, lessonFile), &ld.problems}
	for name := range files {
		if isManifest(name) {
			ld.manifests = append(ld.manifests, name)
		}
	}
	slices.Sort(ld.manifests)
	if !utf8.Valid(files[lessonFile]) {
		ld.report(Pos{ld.file, 1}, "save the file as UTF-8", "the file is not UTF-8")
		return nil, ld.problems
	}
	// Braces have a meaning in YAML, so variables are replaced before it is read: first by their own names, to find out
	// which there are.
	root := ld.document(reference.ReplaceAll(files[lessonFile], []byte("$1")))
	if root == nil {
		return nil, ld.problems
	}
	ld.variables(root)
	if values != nil {
		ld.l.Values = values
	}
	if root = ld.document(substitute(files[lessonFile], ld.l.Values)); root == nil {
		return nil, ld.problems.sort()
	}
	ld.lesson(root)
	ld.prose()
	ld.leftOver()
	if len(ld.problems) > 0 {
		return nil, ld.problems.sort()
	}
	return ld.l, nil
}

var valueForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// variables reads what is drawn, before anything else, because all else may use it.
func (ld *loader) variables(root *yaml.Node) {
	var quiet Problems
	top := reader{ld.file, &quiet}.object(root, "the lesson") // problems are told when all is read
	values := map[string]string{}
	vars := ld.object(top.m["vars"], "vars")
	for _, name := range vars.keys {
		v := Var{Name: name, Pos: vars.pos(vars.at[name])}
		if !isID(name) {
			ld.report(v.Pos, "use lower-case letters, digits and dashes", "the variable %q has no good name", name)
		}
		for _, n := range vars.list(name) {
			s := vars.scalar(n, "a value of "+name)
			switch {
			case s == "":
			case !valueForm.MatchString(s) || len(s) > 40:
				ld.report(ld.pos(n), "use lower-case letters, digits, dots and dashes", "the value %q of %s could not be a name in a cluster", s, name)
			default:
				v.Values = append(v.Values, s)
			}
		}
		if len(v.Values) > 0 {
			values[name] = v.Values[0]
			ld.l.Vars = append(ld.l.Vars, v)
		}
	}
	ld.l.Values = values
	for _, file := range sorted(keys(ld.l.files)) {
		for i, line := range bytes.Split(ld.l.files[file], []byte("\n")) {
			for _, m := range reference.FindAllSubmatch(line, -1) {
				if _, ok := values[string(m[1])]; !ok {
					ld.report(Pos{path.Join(ld.l.dir, file), i + 1}, orElse(oneOf(string(m[1]), sorted(keys(values))), "add it to vars"), "there is no variable %q", m[1])
				}
			}
		}
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// leftOver reports files that nothing uses and variables that stand nowhere.
func (ld *loader) leftOver() {
	for _, name := range ld.manifests {
		if !ld.used[name] {
			ld.report(Pos{path.Join(ld.l.dir, name), 1}, "use it with -f "+name+", or remove it", "no command uses this file")
		}
	}
	for name := range ld.l.files {
		if name != lessonFile && !isManifest(name) && !contains(languageFiles(), name) {
			ld.report(Pos{path.Join(ld.l.dir, name), 1}, "remove it; a lesson has lesson.yaml, "+strings.Join(languageFiles(), ", ")+" and manifests", "this file has no meaning")
		}
	}
	for _, v := range ld.l.Vars {
		if !slices.ContainsFunc(keys(ld.l.files), func(f string) bool { return bytes.Contains(ld.l.files[f], []byte("${"+v.Name+"}")) }) {
			ld.report(v.Pos, "write ${"+v.Name+"} where it belongs, or remove it", "the variable %q is not used", v.Name)
		}
	}
}
