package text

// The texts of the home screen.
const (
	HomeTitle ID = iota + idsMachine
	Lessons
	LessonsDone
	TrackStart
	TrackPods
	TrackControllers
	TrackScheduling
	TrackNetwork
	TrackControlPlane
	TrackNodes
	TrackOperations
	TrackNone
	BrokenLessons
	BrokenAbout
	ProblemCount
	NoLessons
	NoLessonsIn
	Besides
	FreeLab
	FreeLabAbout
	AllQuestions
	AllQuestionsAbout
	ReviewQuestions
	ReviewAbout
	ExamQuestions
	ExamAbout
	DueCount
	NothingDue
	NothingDueShort
	Recordings
	RecordingAbout
	NothingFound
	SearchKeys
	GoOnWith
	NextLesson
	MinutesShort
	StepCount
	QuestionCount
	QuizShort
	QuizStanding
	NewWord
	DoneWord
	LevelBeginner
	LevelIntermediate
	LevelAdvanced
	LeftAtStep
	WaitsAtStep
	LessonFinished
	Requires
	Objectives
	LabReady
	LabStarts
	LabFailedShort
	OwnKubectl
	OpensWhenReady
	Opens
	NotOpened
	InTheWay
	InTheWayKeys
	AttemptEnded
	ProgressAside
	WelcomeTitle
	WelcomeWhat
	WelcomeHow
	WelcomeKeys
	WelcomeHelp
	WelcomeMove
	WelcomeInside
	WelcomeHome
	WelcomeNow
	WelcomeBegin
	WelcomeList
	WelcomeLanguage
	KeyBegin
	KeyGoOn
	KeyRestart
	HelpRestart
	HelpOpenEntry
	KeyTakeQuiz
	HelpTakeQuiz
	KeyFreeLab
	HelpFreeLab
	KeySearch
	HelpSearch
	HelpBackHome
	HelpWelcome
	HelpLast
	KeyDeleteThem
	HelpDeleteThem
	KeyLessons
	HelpLessons
	GroupLessons

	ids // how many there are
)

// homeWords has the texts of the home screen.
var homeWords = map[ID][langs]string{
	HomeTitle: {"a step debugger for Kubernetes",
		"Kubernetes 的步进调试器"},
	Lessons: {"Lessons",
		"课程"},
	LessonsDone: {"%d of %d done",
		"已完成 %d / %d"},
	TrackStart: {"First look",
		"初见"},
	TrackPods: {"Life of a Pod",
		"Pod 的一生"},
	TrackControllers: {"Controllers",
		"控制器"},
	TrackScheduling: {"Scheduling and resources",
		"调度与资源"},
	TrackNetwork: {"Network",
		"网络"},
	TrackControlPlane: {"API server and etcd",
		"API server 与 etcd"},
	TrackNodes: {"Nodes and runtime",
		"节点与运行时"},
	TrackOperations: {"Large and packaged",
		"规模与打包"},
	TrackNone: {"More lessons",
		"其他课程"},
	BrokenLessons: {"Lessons that cannot be opened",
		"无法打开的课程"},
	BrokenAbout: {"The lesson in the folder %s has problems. The other lessons are not touched by that.",
		"文件夹 %s 里的课程有问题。其他课程不受影响。"},
	ProblemCount: {"problems: %d",
		"问题：%d"},
	NoLessons: {"There is no lesson in this folder",
		"这个文件夹里没有课程"},
	NoLessonsIn: {"There is no lesson in %s. `kubestep lesson new my-lesson` makes one there; without --lessons the program's own are listed.",
		"%s 里没有课程。在那里运行 `kubestep lesson new my-lesson` 可新建一课；不带 --lessons 则列出程序自带的课程。"},
	Besides: {"Besides",
		"此外"},
	FreeLab: {"The lab, without a lesson",
		"实验环境，不带课程"},
	FreeLabAbout: {"The whole cluster is yours: eight views of it, a kubectl prompt, breakpoints, and any moment of the past. Nothing that you do here can reach anything but the lab.",
		"整个集群归你使用：八种视图、kubectl 提示符、断点，以及过去的任意时刻。你在这里做的一切只影响实验环境。"},
	AllQuestions: {"Quiz: the questions of all lessons",
		"测验：所有课程的题目"},
	AllQuestionsAbout: {"All questions, with an explanation after each. Some are answered from your own cluster, as it is at that moment.",
		"所有题目，每题之后都有解释。有些题的答案来自你自己的集群此刻的状态。"},
	ReviewQuestions: {"Review: questions that you missed",
		"复习：答错过的题目"},
	ReviewAbout: {"What you missed comes back: after ten minutes, a day, three days, a week, three weeks, until you know it.",
		"答错的题会再来：十分钟、一天、三天、一周、三周之后，直到你掌握。"},
	ExamQuestions: {"Exam: a mixed choice, against the clock",
		"考试：混合抽题，限时"},
	ExamAbout: {"Questions of all topics, mixed, with a limit of time. The explanations come at the end.",
		"各主题的题目混在一起，有时间限制。解释在最后给出。"},
	DueCount: {"%d due",
		"%d 题到期"},
	NothingDue: {"Nothing is due for review now.",
		"现在没有需要复习的题目。"},
	NothingDueShort: {"nothing due",
		"没有到期"},
	Recordings: {"Recordings",
		"录像"},
	RecordingAbout: {"A lab as it was, with everything that happened in it. It opens in the same views, without a cluster; q comes back here.",
		"当时的实验环境，以及其中发生的一切。它在同样的视图里打开，不需要集群；按 q 回到这里。"},
	NothingFound: {"Nothing fits the search. Press esc to take it away.",
		"没有符合的内容。按 esc 取消搜索。"},
	SearchKeys: {"enter opens · esc takes the search away",
		"enter 打开 · esc 取消搜索"},
	GoOnWith: {"Go on with: %s",
		"继续：%s"},
	NextLesson: {"Next: %s",
		"下一课：%s"},
	MinutesShort: {"%d min",
		"%d 分钟"},
	StepCount: {"%d steps",
		"%d 步"},
	QuestionCount: {"%d questions",
		"%d 道题"},
	QuizShort: {"quiz %d/%d",
		"测验 %d/%d"},
	QuizStanding: {"Quiz: %d of %d right, %d tried",
		"测验：答对 %d / %d，已答 %d"},
	NewWord: {"new",
		"未开始"},
	DoneWord: {"done",
		"已完成"},
	LevelBeginner: {"beginner",
		"入门"},
	LevelIntermediate: {"intermediate",
		"进阶"},
	LevelAdvanced: {"advanced",
		"高级"},
	LeftAtStep: {"You left at step %d of %d: %s",
		"上次停在第 %d 步，共 %d 步：%s"},
	WaitsAtStep: {"It waits at step %d of %d: %s",
		"正停在第 %d 步，共 %d 步：%s"},
	LessonFinished: {"You have done this lesson. enter begins it again, with other names.",
		"你已完成这一课。按 enter 可换一组名字重新开始。"},
	Requires: {"Better done before: %s",
		"建议先完成：%s"},
	Objectives: {"Afterwards you can",
		"学完之后你能"},
	LabReady: {"lab ready in %s",
		"实验环境 %s 就绪"},
	LabStarts: {"lab starts: %s, %d of %d",
		"实验环境启动中：%s，%d / %d"},
	LabFailedShort: {"the lab has failed",
		"实验环境出错"},
	OwnKubectl: {"KUBECONFIG for your own kubectl:",
		"给你自己的 kubectl 用的 KUBECONFIG："},
	OpensWhenReady: {"%s opens as soon as the lab is ready.",
		"实验环境一就绪就打开：%s"},
	Opens: {"%s opens.",
		"正在打开：%s"},
	NotOpened: {"%s could not be opened: %s",
		"无法打开 %s：%s"},
	InTheWay: {"No lesson has made these objects, and this one could stumble over them:",
		"这些对象不是课程创建的，可能会妨碍这一课："},
	InTheWayKeys: {"enter deletes what is in the way and begins, esc keeps it.",
		"按 enter 删除碍事的对象并开始，按 esc 保留。"},
	AttemptEnded: {"The lesson could not go on: %s. Your place is kept; q leads to the lessons.",
		"课程无法继续：%s。进度已保存；按 q 回到课程列表。"},
	ProgressAside: {"Your progress could not be read. It is kept as %s; you begin anew.",
		"无法读取你的学习进度。它保存在 %s；你将重新开始。"},

	WelcomeTitle: {"Welcome",
		"欢迎"},
	WelcomeWhat: {"kubestep is a step debugger for Kubernetes. A real cluster is starting inside this program: etcd, API server, controllers, scheduler, kubelets. It is on this machine only, and gone when you leave.",
		"kubestep 是 Kubernetes 的步进调试器。一个真正的集群正在这个程序里启动：etcd、API server、控制器、调度器、kubelet。它只在这台机器上，离开时就消失。"},
	WelcomeHow: {"You make something happen with kubectl, and the lab stops wherever one component hands over to the next. You say who acts next, look inside, let it go on, and see whether you were right.",
		"你用 kubectl 让事情发生，每当一个组件把工作交给下一个，实验环境就停下来。你先说谁会接着行动，再往里看，然后放行，看看自己说对了没有。"},
	WelcomeKeys: {"Getting about",
		"怎么操作"},
	WelcomeHelp: {"every key. Those that work now are always on the last line",
		"所有按键。此刻可用的按键总在最后一行"},
	WelcomeMove: {"from pane to pane, and within one; the mouse works too",
		"在窗格之间和窗格之内移动；也可以用鼠标"},
	WelcomeInside: {"looks inside what is selected, esc goes back",
		"往所选之物里面看，esc 返回"},
	WelcomeHome: {"leads back to the lessons; your place is always kept",
		"回到课程列表；你的位置总会保留"},
	WelcomeNow: {"Now",
		"现在"},
	WelcomeBegin: {"begin with \"%s\", %d minutes",
		"从“%s”开始，%d 分钟"},
	WelcomeList: {"all lessons, and the lab without one",
		"所有课程，以及不带课程的实验环境"},
	WelcomeLanguage: {"中文",
		"English"},

	KeyBegin: {"begin",
		"开始"},
	KeyGoOn: {"go on",
		"继续"},
	KeyRestart: {"begin anew",
		"重新开始"},
	HelpRestart: {"begin the lesson anew, with other names",
		"换一组名字，重新开始这一课"},
	HelpOpenEntry: {"open what is selected; a lesson goes on where you left it",
		"打开所选；课程从上次离开处继续"},
	KeyTakeQuiz: {"quiz",
		"测验"},
	HelpTakeQuiz: {"the questions of the selected lesson",
		"所选课程的题目"},
	KeyFreeLab: {"lab",
		"实验环境"},
	HelpFreeLab: {"the lab, without a lesson",
		"实验环境，不带课程"},
	KeySearch: {"search",
		"搜索"},
	HelpSearch: {"find a lesson by its title, topic or level",
		"按标题、主题或难度查找课程"},
	HelpBackHome: {"go back; take the search away; do not wait for a lesson any longer",
		"返回；取消搜索；不再等待课程打开"},
	HelpWelcome: {"the welcome",
		"欢迎页"},
	HelpLast: {"the last one",
		"最后一个"},
	KeyDeleteThem: {"delete them",
		"删除"},
	HelpDeleteThem: {"delete what is in the lesson's way, and begin",
		"删除碍事的对象，然后开始"},
	KeyLessons: {"lessons",
		"课程"},
	HelpLessons: {"the list of lessons; a lesson waits there as it is",
		"课程列表；课程会原样等着"},
	GroupLessons: {"Lessons",
		"课程"},
}
