package text

// The texts of the lesson pane.
const (
	PaneLesson ID = iota + idsHere
	GroupLesson
	KeyNextStep
	HelpNextStep
	KeyRunShown
	HelpRunShown
	KeyLessonPane
	HelpLessonPane
	KeyLookInside
	KeyHint
	HelpHint
	KeySolution
	HelpSolution
	KeyReset
	HelpReset
	KeySkip
	HelpSkip
	KeyChoice
	HelpChoice
	LessonStep
	LessonSolution
	LessonSolutionSame
	LessonHint
	LessonNoMoreHints
	LessonWhy
	LessonRight
	LessonWrong
	LessonWas
	LessonFailed
	LessonCheckDone
	LessonSureReset
	LessonSureSolution
	LessonHeldAsk
	LessonHeldNext
	LessonHeldFree
	LessonBroken
	FootAnswer
	FootRun
	FootType
	FootAnyCommand
	FootWatch
	FootNext
	FootEnd
	FootPreparing
	FootReplaying
	FootSolving
	FootOver

	idsOfLessons // quiz.go goes on
)

// lessonWords has the texts of the lesson pane.
var lessonWords = map[ID][langs]string{
	PaneLesson: {"Lesson",
		"课程"},
	GroupLesson: {"Lesson",
		"课程"},
	KeyNextStep: {"next step",
		"下一步骤"},
	HelpNextStep: {"go on to the lesson's next step, when this one is done (enter does so in the lesson's pane)",
		"这一步完成后，进入课程的下一步（在课程窗格里也可按 enter）"},
	KeyRunShown: {"run",
		"执行"},
	HelpRunShown: {"run the command that the lesson shows (enter does so in the lesson's pane)",
		"执行课程给出的命令（在课程窗格里也可按 enter）"},
	KeyLessonPane: {"lesson",
		"课程"},
	HelpLessonPane: {"to the lesson, and back to the stage",
		"到课程，或回到舞台"},
	KeyLookInside: {"look inside",
		"细看"},
	KeyHint: {"hint",
		"提示"},
	HelpHint: {"the next hint of this step",
		"这一步的下一条提示"},
	KeySolution: {"solution",
		"答案"},
	HelpSolution: {"show the commands that solve this step; once more: run them",
		"显示解出这一步的命令；再按一次则执行"},
	KeyReset: {"reset",
		"重置"},
	HelpReset: {"put the cluster back to how this step began; asks once more first",
		"把集群恢复到这一步开始时的样子；会先再问一次"},
	KeySkip: {"skip",
		"跳过"},
	HelpSkip: {"let the lesson do this step, and go on to the next",
		"让课程替你完成这一步，并进入下一步"},
	KeyChoice: {"answer",
		"回答"},
	HelpChoice: {"answer the lesson's question",
		"回答课程的问题"},
	LessonStep: {"step %d/%d",
		"第 %d/%d 步"},
	LessonSolution: {"Solution",
		"答案"},
	LessonSolutionSame: {"Nothing to type here: answer the question, and watch.",
		"这里不用输入命令：回答问题，然后看。"},
	LessonHint: {"Hint %d",
		"提示 %d"},
	LessonNoMoreHints: {"There is no further hint. x shows the solution.",
		"没有更多提示了。x 显示答案。"},
	LessonWhy: {"Why",
		"为什么"},
	LessonRight: {"You said: %s. That is right.",
		"你的回答：%s。答对了。"},
	LessonWrong: {"You said: %s. It was: %s.",
		"你的回答：%s。实际是：%s。"},
	LessonWas: {"It was: %s.",
		"实际是：%s。"},
	LessonFailed: {"The commands of the solution failed:",
		"答案中的命令执行失败："},
	LessonCheckDone: {"✓ %s",
		"✓ %s"},
	LessonSureReset: {"Reset deletes what this lesson has made, to begin the step anew. %s again: do it",
		"重置会删除本课创建的东西，重新开始这一步。再按 %s 执行"},
	LessonSureSolution: {"%s once more: the solution plays itself",
		"再按一次 %s：自动执行答案"},
	LessonHeldAsk: {"held until you answer: %s",
		"等你回答才放行：%s"},
	LessonHeldNext: {"held so that you can look: %s goes on",
		"拦在这里供你细看：按 %s 继续"},
	LessonHeldFree: {"%s lets it go on, %s everything",
		"按 %s 放行它，按 %s 全部放行"},
	LessonBroken: {"The lesson: %v",
		"课程：%v"},
	FootAnswer: {"what do you say?",
		"你的判断是？"},
	FootRun: {"runs it",
		"执行它"},
	FootType: {"type it yourself",
		"自己输入"},
	FootAnyCommand: {"the prompt: find the command",
		"命令行：找出该用的命令"},
	FootWatch: {"It goes on by itself when every ○ is a ✓.",
		"每个 ○ 都变成 ✓ 时，课程会自动继续。"},
	FootNext: {"next step",
		"下一步骤"},
	FootEnd: {"finish",
		"完成"},
	FootPreparing: {"One moment: the lesson prepares the cluster.",
		"请稍候：课程正在准备集群。"},
	FootReplaying: {"One moment: the steps before this one are played by themselves.",
		"请稍候：前面的步骤正在自动重放。"},
	FootSolving: {"The solution is being played.",
		"正在执行答案。"},
	FootOver: {"The lesson is over.",
		"课程已结束。"},
}
