package schema

import (
	"bytes"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// demo returns a good lesson's folder, to be spoilt.
func demo(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{lessonFile, "en.md", "zh.md", "pod.yaml"} {
		raw, err := os.ReadFile("testdata/demo/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["demo/"+name] = &fstest.MapFile{Data: raw}
	}
	return files
}

func TestLoad(t *testing.T) {
	l, problems := Load(demo(t), "demo")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	made := l.Steps[1]
	for what, pair := range map[string][2]any{
		"title":        {l.Title.In("zh"), "演示"},
		"fallback":     {l.Title.In("fr"), "Demo"},
		"next":         {l.Steps[0].Next, "make"},
		"last":         {made.Next, ""},
		"command":      {strings.Join(made.Do[0].Args, " "), "apply -f pod.yaml"},
		"solution":     {made.Solve[0].Line, "kubectl create -f pod.yaml"},
		"stop":         {made.Stop[0].Source, "kube-scheduler create pods/binding"},
		"body":         {made.Body.In("en"), "Make web."},
		"message":      {made.Checks[0].Wrong[0].Say.In("en"), "It is another, with a long message."},
		"expression":   {made.Checks[0].That.Source, `objects("Pod").exists(p, p.metadata.name == "web")`},
		"line":         {made.Checks[0].That.Pos.Line, 24},
		"feedback":     {made.Predict.Options[1].Feedback.In("zh"), "There is one."},
		"zh option":    {made.Predict.Options[0].Text.In("zh"), "一个"},
		"hint":         {made.Hints[1].After, "other"},
		"fence":        {strings.Contains(l.Steps[0].Body.In("en"), "## not a heading"), true},
		"topic":        {l.Quiz[0].Topic, "pods"},
		"wrong number": {l.Quiz[2].Wrong["zero"], "0"},
		"pairs":        {l.Quiz[5].Pairs["b"], "y"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
}

func TestWithOtherValues(t *testing.T) {
	l, problems := Load(demo(t), "demo")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	shop, err := l.With(map[string]string{"app": "shop"})
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := shop.File("pod.yaml")
	if !ok || !bytes.Contains(raw, []byte("name: shop")) || !strings.Contains(shop.Steps[1].Checks[0].That.Source, `"shop"`) {
		t.Errorf("values are not filled in: %s, %s", raw, shop.Steps[1].Checks[0].That.Source)
	}
	if _, err := l.With(map[string]string{"app": "rm -rf"}); err == nil {
		t.Error("a value that is not listed was taken")
	}
	seen := map[string]bool{}
	for seed := range uint64(20) {
		seen[l.Draw(seed)["app"]] = true
	}
	if len(seen) != 2 {
		t.Errorf("20 seeds draw %v", seen)
	}
}

func TestSkeletonIsGood(t *testing.T) {
	files, err := Skeleton("my-lesson")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys["my-lesson/"+f.Name] = &fstest.MapFile{Data: f.Content}
	}
	if _, problems := Load(fsys, "my-lesson"); len(problems) > 0 {
		t.Error(problems)
	}
	if _, err := Skeleton("My lesson"); err == nil {
		t.Error("a name with a space was taken")
	}
}

// malformed lessons: in file, the first old is replaced by new; then want is said of file and line.
var malformed = []struct{ name, file, old, new, want string }{
	{"empty", "lesson.yaml", "*", "", `lesson.yaml:1: the file is empty; begin with "format: 1"`},
	{"no mapping", "lesson.yaml", "*", "- a\n", "lesson.yaml:1: the lesson is a list, not a mapping"},
	{"no YAML", "lesson.yaml", "minutes: 5", "minutes: [5", ": not YAML: did not find expected ',' or ']'"},
	{"tabs", "lesson.yaml", "  - id: read", "\t- id: read", "not YAML: found character that cannot start any token"},
	{"not UTF-8", "lesson.yaml", "demo", "\xff", "lesson.yaml:1: the file is not UTF-8; save"},
	{"later format", "lesson.yaml", "format: 1", "format: 2", `lesson.yaml:1: format "2" is not known to this program; write 1`},
	{"no format", "lesson.yaml", "format: 1\n", "", `lesson.yaml:1: the lesson has no "format"; add "format: ..."`},
	{"other id", "lesson.yaml", "id: demo", "id: domo", `lesson.yaml:2: the id "domo" is not the folder's name "demo"`},
	{"bad id", "lesson.yaml", "id: demo", "id: De Mo", `lesson.yaml:2: the lesson's id "De Mo" is no name; use lower-case`},
	{"unknown key", "lesson.yaml", "topics:", "topcis:", `lesson.yaml:5: the lesson has an unknown key "topcis"; write "topics"`},
	{"key twice", "lesson.yaml", "minutes: 5", "minutes: 5\nminutes: 6", `lesson.yaml:5: the lesson has the key "minutes" twice, first on line 4`},
	{"minutes", "lesson.yaml", "minutes: 5", "minutes: soon", `lesson.yaml:4: the lesson's minutes is "soon"; write a whole number from 1 to 180`},
	{"level", "lesson.yaml", "level: beginner", "level: beginners", `lesson.yaml:3: the lesson's level "beginners" is none; write "beginner"`},
	{"track", "lesson.yaml", "minutes: 5", "minutes: 5\ntrack: networks", `lesson.yaml:5: the lesson's track "networks" is none; write "network"`},
	{"topics no list", "lesson.yaml", "[pods, nodes]", "pods", `lesson.yaml:5: the lesson's topics is the value "pods", not a list`},
	{"topic twice", "lesson.yaml", "[pods, nodes]", "[pods, pods]", `lesson.yaml:5: topics has "pods" twice; keep one`},
	{"empty list", "lesson.yaml", "[pods, nodes]", "[]", `lesson.yaml:5: the lesson's topics is an empty list; leave the key out`},
	{"too many nodes", "lesson.yaml", "nodes: 2", "nodes: 2000", `lesson.yaml:6: lab's nodes is "2000"`},
	{"unknown lab key", "lesson.yaml", "seed: 7", "sead: 7", `lesson.yaml:6: lab has an unknown key "sead"; write "seed"`},
	{"alias", "lesson.yaml", "lab: {nodes: 2, seed: 7}", "lab: &x {nodes: 2}\nrequires: *x", "requires is an alias of YAML, which lessons do not use; write it out"},
	{"follow what", "lesson.yaml", "lab: {nodes: 2, seed: 7}", "follow: [pod/default/web]", `lesson.yaml:6: "pod/default/web" is no Pod; write NAME, or NAMESPACE/NAME`},
	{"bad value", "lesson.yaml", "[web, shop]", "[web, 'a b']", `lesson.yaml:8: the value "a b" of app could not be a name in a cluster`},
	{"unused variable", "lesson.yaml", "  app: [web, shop]", "  app: [web, shop]\n  extra: [a]", `lesson.yaml:9: the variable "extra" is not used; write ${extra}`},
	{"unknown variable", "en.md", "Make ${app}", "Make ${apq}", `en.md:17: there is no variable "apq"; write "app"`},
	{"step without id", "lesson.yaml", "- id: read\n    view: map", "- view: map", `lesson.yaml:11: a step has no "id"`},
	{"step twice", "lesson.yaml", "- id: read", "- id: make", `two steps have the id "make"; the first is on line 11`},
	{"unknown view", "lesson.yaml", "view: map", "view: maps", `lesson.yaml:12: step read's view "maps" is none; write "map"`},
	{"next is nothing", "lesson.yaml", "view: map", "next: mak", `lesson.yaml:11: step read is followed by "mak", which is no step; write "make"`},
	{"unreachable", "lesson.yaml", "view: map", "next: end", `lesson.yaml:13: step make is never reached`},
	{"circle", "lesson.yaml", "    stop: [", "    next: read\n    stop: [", `lesson.yaml:11: step read is reached a second time: the lesson would not end`},
	{"other program", "lesson.yaml", "kubectl run x", "rm -rf x", `"rm -rf x --image=kubestep.dev/web:v1" cannot be run; a lesson runs kubectl only`},
	{"other command of kubestep", "lesson.yaml", "kubectl run x", "kubestep up x", `of kubestep, lessons use only "kubestep fault"`},
	{"fault to list", "lesson.yaml", "[kubectl delete pod x]", "[kubestep fault list]", `"kubestep fault list" changes nothing`},
	{"fault with a flag", "lesson.yaml", "[kubectl delete pod x]", "[kubestep fault cut node-1 --json]", "lessons cannot use the flag --json of kubestep fault"},
	{"other verb", "lesson.yaml", "kubectl run x", "kubectl proxy x", "lessons cannot use kubectl proxy"},
	{"other cluster", "lesson.yaml", "kubectl run x", "kubectl run x --kubeconfig=/etc/kube.conf", "lessons cannot use the flag --kubeconfig"},
	{"other server", "lesson.yaml", "kubectl delete pod x", "kubectl delete pod x -s https://10.0.0.1", "lessons cannot use the flag -s of kubectl"},
	{"file elsewhere", "lesson.yaml", "kubectl create -f pod.yaml", "kubectl create -f ../pod.yaml", `there is no file "../pod.yaml" in the lesson's folder; it has pod.yaml`},
	{"file from the net", "lesson.yaml", "kubectl create -f pod.yaml", "kubectl create -fhttps://example.com/x.yaml", `there is no file "https://example.com/x.yaml"`},
	{"file of the machine", "lesson.yaml", "kubectl run x", "kubectl create configmap x --from-file=/etc/passwd", `there is no file "/etc/passwd"`},
	{"template file", "lesson.yaml", "kubectl run x", "kubectl get pods -o jsonpath-file=/etc/passwd", "reads a file; write the template itself"},
	{"shell", "lesson.yaml", "[kubectl delete pod x]", "['kubectl get pods | grep x']", `'|' means something to a shell`},
	{"insertion elsewhere", "lesson.yaml", "[kubectl delete pod x]", "['kubectl delete pod {{ 1 }}']", "insert it only after --"},
	{"open insertion", "lesson.yaml", "[kubectl delete pod x]", `["kubectl exec x -- ping {{ 1"]`, "{{ is not closed by }}"},
	{"open quote", "lesson.yaml", "[kubectl delete pod x]", `["kubectl delete 'pod x"]`, "a quote is not closed"},
	{"terminal", "lesson.yaml", "[kubectl delete pod x]", "[kubectl exec -it x -- sh]", "-it needs a terminal"},
	{"solve is do", "lesson.yaml", "solve: [kubectl create -f", "solve: [kubectl apply -f", "solve repeats do"},
	{"keep and stop", "lesson.yaml", "    stop: [", "    keep: true\n    stop: [", "step make keeps what is held and has stops of its own"},
	{"boolean", "lesson.yaml", "    stop: [", "    hidden: yes please\n    stop: [", `lesson.yaml:14: step make's hidden is "yes please"; write true or false`},
	{"nothing checked", "lesson.yaml", "    view: map", "    do: [kubectl get pods]", "lesson.yaml:11: step read makes something happen and checks nothing; add a check"},
	{"prediction without truth", "lesson.yaml", "      truth: 'objects(\"Pod\").size() == 1 ? \"one\" : \"two\"'\n", "", `lesson.yaml:17: predict has no "truth"`},
	{"answer no option", "lesson.yaml", "answer: one", "answer: ona", `lesson.yaml:18: the answer "ona" is no option; write "one"`},
	{"one option", "lesson.yaml", "options: [one, two]", "options: [one]", "a prediction with one option is no question"},
	{"check without that", "lesson.yaml", "        that: |\n          objects(\"Pod\").exists(p, p.metadata.name == \"${app}\")\n", "", `a check has no "that"`},
	{"kind of check", "lesson.yaml", "kind: edge", "kind: egde", `a check's kind "egde" is none; write "edge"`},
	{"wrong without when", "lesson.yaml", "            when: objects(\"Pod\").size() > 0\n", "", `a way of being wrong has no "when"`},
	{"wrong called todo", "lesson.yaml", "- id: other", "- id: todo", `"todo" stands for when none of the others fits`},
	{"attempt expects nothing", "lesson.yaml", "expect: other", "expect: othr", `lesson.yaml:30: no check of step make says "othr"; write "other"`},
	{"question kind", "lesson.yaml", "kind: several", "kind: severl", `question q-several's kind "severl" is none; write "several"`},
	{"question twice", "lesson.yaml", "id: q-several", "id: q-one", `two questions have the id "q-one"`},
	{"answer of question", "lesson.yaml", "answer: a\n", "answer: z\n", `the answer "z" of question q-one is no option`},
	{"all right", "lesson.yaml", "answer: [a, b]\n", "answer: [a, b, c]\n", "every option of question q-several is right"},
	{"live without truth", "lesson.yaml", "    truth: objects(\"Pod\").size()\n", "", "question q-live is live and has no truth"},
	{"truth without live", "lesson.yaml", "    live: true\n", "", `question q-live has a truth and is not live; add "live: true"`},
	{"tolerance", "lesson.yaml", "tolerance: 0.5", "tolerance: much", `question q-number's tolerance is "much"; write a number`},
	{"wrong is right", "lesson.yaml", "wrong: {zero: 0}", "wrong: {zero: 3.2}", `the wrong answer "3.2" of question q-number is right`},
	{"order leaves out", "lesson.yaml", "options: [b, a]", "options: [b, a, c]", "the answer of question q-order leaves options out"},
	{"see nothing", "lesson.yaml", "    see: {event: etcd.commit put pods}\n", "", "question q-number does not say where the answer can be seen"},
	{"see no step", "lesson.yaml", "see: {step: make}", "see: {step: maker}", `question q-one refers to step "maker", which is not there; write "make"`},
	{"key of another kind", "lesson.yaml", "    pairs: {a: x, b: y}", "    pairs: {a: x, b: y}\n    tolerance: 1", "a question of the kind match has no tolerance; remove it"},
	{"no title", "en.md", "# Demo", "Demo", `en.md:1: the file has no title`},
	{"no introduction", "en.md", "What it is about.\n", "", "en.md:1: the lesson has no introduction"},
	{"no objective in Chinese", "zh.md", "- Do something\n", "", "zh.md:1: there are 0 objectives, 1 in en.md; translate each"},
	{"step not translated", "zh.md", "## read: Read\n\nSome text.\n", "", `zh.md:1: step "read" is missing; add "## read: Title"`},
	{"unknown section", "en.md", "## read:", "## raed:", `en.md:7: lesson.yaml has no step "raed"; write "read"`},
	{"section twice", "en.md", "## read: Read", "## make: Again\n\ntext\n\n## read: Read", `step "make" is there twice; keep one`},
	{"section without id", "en.md", "## read: Read", "## Read it", `the heading "Read it" has no id`},
	{"step without text", "en.md", "Make ${app}.\n", "", "en.md:15: step make has no text"},
	{"unknown slot", "en.md", "### hint\n", "### hnt\n", `"hnt" is no part of a step or question; write "hint"`},
	{"prediction without words", "en.md", "### predict\n", "### why\n", "step make has no words for its prediction"},
	{"option without text", "en.md", "- one: One\n", "", `en.md:19: the option "one" has no text; add "- one: ..."`},
	{"unknown option", "en.md", "- one: One\n", "- one: One\n- three: Three\n", `en.md:22: there is no option "three"`},
	{"wrong without feedback", "en.md", "  > There is one.\n", "", `en.md:22: the wrong answer "two" has no feedback; add a line`},
	{"check without words", "en.md", "### check there", "### check here", `step make has no words for its check "there"`},
	{"message missing", "zh.md", "- todo: Not yet.\n", "", `zh.md:25: check there has no message "todo"; add "- todo: ..."`},
	{"message for nothing", "en.md", "- todo: Not yet.", "- todo: Not yet.\n- more: What?", `en.md:28: check there has no way of being wrong "more"`},
	{"hint for nothing", "en.md", "### hint other", "### hint otter", `the hint is for "otter", which no check of step make says; write "other"`},
	{"hint not translated", "zh.md", "### hint\nUse apply.\n", "", "step make has 1 hints, 2 in en.md; translate each"},
	{"no debrief", "en.md", "### why\nBecause", "Because", "step make has no debrief"},
	{"text after item", "en.md", "  > There is one.", "There is one.", "en.md:23: text after an item belongs to nothing; indent it by two spaces"},
	{"question not translated", "zh.md", "## q-live", "## q-life", `question "q-live" is missing`},
	{"question without explanation", "en.md", "### why\nSo.\n\n## q-several", "## q-several", `question "q-one" has no explanation`},
	{"small heading", "en.md", "Some text.", "#### Small\nSome text.", "a heading of level 4; use bold text"},
	{"third title", "en.md", "# Quiz", "# Quiz\n\n# More", "a third heading of the first level"},
}

func TestMalformed(t *testing.T) {
	place := regexp.MustCompile(`^demo(/[a-z.]+)?:[0-9]+: `)
	count := 0
	for _, tt := range malformed {
		if tt.want == "" {
			continue
		}
		count++
		t.Run(tt.name, func(t *testing.T) {
			files := demo(t)
			f := files["demo/"+tt.file]
			if tt.old == "*" {
				f.Data = []byte(tt.new)
			} else if spoilt := bytes.Replace(f.Data, []byte(tt.old), []byte(tt.new), 1); bytes.Equal(spoilt, f.Data) {
				t.Fatalf("%q is not in %s", tt.old, tt.file)
			} else {
				f.Data = spoilt
			}
			l, problems := Load(files, "demo")
			if l != nil {
				t.Fatal("the lesson was taken")
			}
			said := problems.Error()
			if !strings.Contains(said, tt.want) {
				t.Errorf("it says:\n%s\nnot: %s", said, tt.want)
			}
			for _, p := range problems {
				if !place.MatchString(p.String()) || p.Fix == "" {
					t.Errorf("no place or no remedy: %s", p)
				}
			}
		})
	}
	if count < 50 {
		t.Errorf("%d malformed lessons, want at least 50", count)
	}
}

func TestFiles(t *testing.T) {
	for name, spoil := range map[string]func(fstest.MapFS){
		"demo/zh.md:1: is missing":                    func(f fstest.MapFS) { delete(f, "demo/zh.md") },
		"demo/notes.txt:1: this file has no meaning":  func(f fstest.MapFS) { f["demo/notes.txt"] = &fstest.MapFile{} },
		"demo/more.yaml:1: no command uses this file": func(f fstest.MapFS) { f["demo/more.yaml"] = &fstest.MapFile{} },
		"demo/dir:1: is no file":                      func(f fstest.MapFS) { f["demo/dir/x"] = &fstest.MapFile{} },
		"demo/en.md:1: is too large":                  func(f fstest.MapFS) { f["demo/en.md"].Data = make([]byte, maxFile+1) },
		"demo/pod.yaml:1: is no file":                 func(f fstest.MapFS) { f["demo/pod.yaml"].Mode = fs.ModeSymlink },
		`requires names the lesson "other", which is no`: func(f fstest.MapFS) {
			f["demo/lesson.yaml"].Data = append(f["demo/lesson.yaml"].Data, "requires: [other]\n"...)
		},
	} {
		files := demo(t)
		spoil(files)
		_, problems := LoadAll(files)
		if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.String(), name) || strings.HasPrefix(p.What, name) }) {
			t.Errorf("%v, want %s", problems, name)
		}
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`kubectl get pods`:                   {"kubectl", "get", "pods"},
		`kubectl  get   'a b' "c d" e\ f`:    {"kubectl", "get", "a b", "c d", "e f"},
		`k --overrides='{"spec":{"a":"b"}}'`: {"k", `--overrides={"spec":{"a":"b"}}`},
		`k ''`:                               {"k", ""},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("split(%s) = %q, %v", line, got, err)
		}
	}
}

func TestFaultCommand(t *testing.T) {
	c, err := parseCommand("kubestep fault drop pod/default/web 0.3", nil)
	if err != nil || c.Args != nil || !slices.Equal(c.Fault, []string{"drop", "pod/default/web", "0.3"}) {
		t.Errorf("it is %+v, %v", c, err)
	}
	if c, err := parseCommand("kubectl get pods", nil); err != nil || c.Fault != nil || !slices.Equal(c.Args, []string{"get", "pods"}) {
		t.Errorf("it is %+v, %v", c, err)
	}
}

func FuzzLesson(f *testing.F) {
	files := demo(f)
	f.Add(files["demo/lesson.yaml"].Data, files["demo/en.md"].Data)
	for _, tt := range malformed {
		if tt.old == "*" {
			continue
		}
		spoilt := demo(f)
		x := spoilt["demo/"+tt.file]
		x.Data = bytes.Replace(x.Data, []byte(tt.old), []byte(tt.new), 1)
		f.Add(spoilt["demo/lesson.yaml"].Data, spoilt["demo/en.md"].Data)
	}
	f.Fuzz(func(t *testing.T, yaml, english []byte) {
		files := demo(t)
		files["demo/lesson.yaml"].Data, files["demo/en.md"].Data = yaml, english
		l, problems := Load(files, "demo")
		if (l == nil) != (len(problems) > 0) {
			t.Fatalf("a lesson %v with %d problems", l, len(problems))
		}
		for _, p := range problems {
			if p.File == "" || p.What == "" {
				t.Errorf("a problem without place or words: %+v", p)
			}
		}
		if l != nil {
			if _, err := l.With(l.Draw(1)); err != nil {
				t.Errorf("with other values: %v", err)
			}
		}
	})
}
