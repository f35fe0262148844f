package text

// The texts of what concerns the reader's own machine, and of exports.
const (
	KeyShell ID = iota + idsOfQuizzes
	HelpShell
	KeyEdit
	HelpEdit
	KeyRecord
	HelpRecord
	HelpSaveTrace
	HelpSaveSVG
	HelpSaveHTML
	HelpCast
	HelpThemeAuto
	HelpThemeDark
	HelpThemeLight
	HelpThemeContrast
	HelpThemeNone
	GroupMachine
	GroupLooks
	ShellHint
	ShellHeld
	ShellFailed
	ShellBack
	EditNothing
	EditGet
	EditGetFailed
	EditorFailed
	EditSame
	EditApplying
	EditDone
	EditRefused
	EditHead
	EditAgain
	Damaged
	Saved
	SaveFailed
	Casting
	CastEnded
	Proposals
	PromptNoShell
	PromptEndless
	ExportTitle
	ExportFacts
	ExportSpan
	ExportCommand
	ExportWhat
	ExportLegend
	ExportSource
	ExportEvent
	ExportFunction
	ExportPlace
	ExportEmpty
	FaultsNone
	NothingToCopy

	idsMachine
)

// machineWords has the texts of what concerns the reader's own machine, and of exports.
var machineWords = map[ID][langs]string{
	KeyShell: {"shell",
		"终端"},
	HelpShell: {"open your own shell, with KUBECONFIG set; exit comes back",
		"打开你自己的 shell，已设好 KUBECONFIG；用 exit 回来"},
	KeyEdit: {"edit",
		"编辑"},
	HelpEdit: {"edit the selected object's YAML, or the lesson's manifest, in your editor",
		"用你的编辑器修改所选对象的 YAML，或课程的清单"},
	KeyRecord: {"record",
		"存录像"},
	HelpRecord: {"save everything so far as a recording, for kubestep replay",
		"把至今的一切存为录像，供 kubestep replay 打开"},
	HelpSaveTrace: {"save the trace as Markdown",
		"把轨迹存为 Markdown"},
	HelpSaveSVG: {"save this screen as SVG",
		"把此屏存为 SVG"},
	HelpSaveHTML: {"save this screen as HTML",
		"把此屏存为 HTML"},
	HelpCast: {"begin or end an asciicast of this terminal, for asciinema",
		"开始或结束本终端的 asciicast，供 asciinema 播放"},
	HelpThemeAuto: {"theme: dark or light, as the terminal is",
		"主题：随终端明暗"},
	HelpThemeDark: {"theme: dark",
		"主题：深色"},
	HelpThemeLight: {"theme: light",
		"主题：浅色"},
	HelpThemeContrast: {"theme: high contrast",
		"主题：高对比度"},
	HelpThemeNone: {"theme: no colour",
		"主题：无颜色"},
	GroupMachine: {"Your machine",
		"你的机器"},
	GroupLooks: {"Looks",
		"外观"},
	ShellHint: {"This is your own shell. kubectl reaches the lab; exit brings you back.",
		"这是你自己的 shell。kubectl 连到实验环境；输入 exit 返回。"},
	ShellHeld: {"The lab is paused: a command that changes something waits until you are back and step. End it with & to get the prompt back.",
		"实验环境已暂停：修改类命令会一直等到你回来步进。命令末尾加 & 可以先拿回提示符。"},
	ShellFailed: {"Your shell could not be used: %v",
		"无法使用你的 shell：%v"},
	ShellBack: {"Back in the lab.",
		"已回到实验环境。"},
	EditNothing: {"Nothing is selected that could be edited.",
		"没有选中可以编辑的东西。"},
	EditGet: {"Getting %s for your editor…",
		"正在取出 %s 供编辑…"},
	EditGetFailed: {"%s cannot be edited: %v",
		"无法编辑 %s：%v"},
	EditorFailed: {"Your editor failed: %v. The text is kept in %s.",
		"你的编辑器出错：%v。文本保存在 %s。"},
	EditSame: {"Nothing was changed.",
		"没有改动。"},
	EditApplying: {"Storing %s; a paused lab holds the request until you step.",
		"正在存入 %s；如果已暂停，请求会等你步进。"},
	EditDone: {"%s is stored as you changed it.",
		"%s 已按你的修改存入。"},
	EditRefused: {"Not stored: %s. Press e to go on with your text, which is kept in %s",
		"未存入：%s。按 e 继续编辑，文本保存在 %s"},
	EditHead: {"Change what you like, save and leave the editor. Without a change nothing happens.",
		"随意修改，保存后退出编辑器。没有改动则什么也不做。"},
	EditAgain: {"The last try was refused:",
		"上次被拒绝："},
	Damaged: {"This recording could be read only in part: %v. What is shown are the %d events before that.",
		"录像只能读出一部分：%v。这里显示的是此前的 %d 个事件。"},
	Saved: {"Saved as %s",
		"已存为 %s"},
	SaveFailed: {"It could not be saved: %v",
		"无法保存：%v"},
	Casting: {"An asciicast is being written to %s; the same command ends it.",
		"正在把 asciicast 写入 %s；再次执行同一命令即结束。"},
	CastEnded: {"The asciicast is in %s; play it with: asciinema play FILE",
		"asciicast 在 %s；播放：asciinema play FILE"},
	Proposals: {"%d ways · tab next · esc back",
		"%d 种 · tab 下一个 · esc 撤回"},
	ExportTitle: {"Trace of a lab",
		"实验环境的轨迹"},
	ExportFacts: {"Kubernetes %s · nodes: %d · events: %d",
		"Kubernetes %s · 节点：%d · 事件：%d"},
	ExportSpan: {"From %s to %s (%s)",
		"从 %s 到 %s（%s）"},
	ExportCommand: {"What was asked for: `%s`",
		"要做的事：`%s`"},
	ExportWhat: {"What happened, and because of what",
		"发生了什么，因为什么"},
	ExportLegend: {"A line hangs below what caused it. `┄` marks a likely cause: the latest that the component had learnt about the object, or what came before on the connection.",
		"每一行挂在它的起因之下。`┄` 表示可能的起因：该组件最近得知的关于此对象的事，或连接上的前一件事。"},
	ExportSource: {"Where in the source",
		"源码位置"},
	ExportEvent: {"event",
		"事件"},
	ExportFunction: {"function",
		"函数"},
	ExportPlace: {"source",
		"源码"},
	ExportEmpty: {"Nothing was set off by a command. With --all, kubestep export shows everything.",
		"没有由命令引发的事件。kubestep export 加上 --all 显示全部。"},
	PromptNoShell: {"This is kubectl, not a shell: no %s here. ! opens your own shell.",
		"这里是 kubectl，不是 shell：%s 没有意义。按 ! 打开你自己的 shell。"},
	FaultsNone: {"Nothing is broken.",
		"没有任何故障。"},
	NothingToCopy: {"There is nothing to copy here.",
		"这里没有可复制的内容。"},
	PromptEndless: {"%s does not end by itself. ! opens your own shell: do it there.",
		"%s 会等待输入或不会自行结束。请按 !，在你自己的 shell 里执行。"},
}
