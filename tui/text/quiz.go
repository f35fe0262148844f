package text

// The texts of quizzes and of summaries.
const (
	GroupQuiz ID = iota + idsOfLessons
	KeyBackToQuiz
	HelpBackToQuiz
	KeySubmit
	HelpSubmit
	KeyToggle
	HelpToggle
	KeyCarry
	HelpCarryUp
	HelpCarryDown
	KeyShowWhere
	HelpShowWhere
	KeyGoThere
	HelpGoThere
	KeyQuestions
	HelpPrevQuestion
	HelpNextQuestion
	KeyFinish
	HelpFinish
	HelpBackQuiz
	HelpLeaveQuiz
	QuizPane
	QuizExplanation
	QuizResults
	QuizQuestion
	QuizTime
	QuizOne
	QuizSeveral
	QuizNumber
	QuizText
	QuizOrder
	QuizMatch
	QuizLive
	QuizEmpty
	QuizNoNumber
	QuizJudging
	QuizExamEnd
	QuizSureLeave
	QuizSureFinish
	QuizNone
	QuizNoneDue
	QuizNoEvent
	QuizRight
	QuizWrong
	QuizPartly
	QuizTruth
	QuizYours
	QuizUnanswered
	QuizNotJudged
	QuizScore
	QuizRightCount
	QuizComeBack
	QuizSeeStep
	QuizSeeLesson
	QuizSeeEvent
	QuizTopics
	QuizAllTopics
	QuizTopicCount
	QuizFootTopic
	QuizFootOne
	QuizFootSeveral
	QuizFootOrder
	QuizFootMatch
	QuizFootType
	QuizFootTyping
	QuizFootNext
	QuizFootRead
	QuizFootLeave

	// Summaries.

	KeyNextLesson
	HelpNextLesson
	HelpSummaryGo
	KeyStayInLab
	HelpStayInLab
	SummaryTitle
	SummarySteps
	SummaryAlone
	SummaryHelped
	SummarySkipped
	SummaryHints
	SummaryHintsUsed
	SummaryPredictions
	SummaryPredicted
	SummarySaid
	SummaryQuiz
	SummaryQuizOpen
	SummaryQuizScore
	SummaryCan
	SummaryNext
	SummaryAll
	SummaryFootQuiz
	SummaryFootNext
	SummaryFootHome

	idsOfQuizzes // machine.go goes on
)

// quizWords has the texts of quizzes and of summaries.
var quizWords = map[ID][langs]string{
	GroupQuiz: {"Quiz",
		"测验"},
	KeyBackToQuiz: {"back to the quiz",
		"回到测验"},
	HelpBackToQuiz: {"back to the question",
		"回到题目"},
	KeySubmit: {"answer",
		"回答"},
	HelpSubmit: {"answer; after that, the next question",
		"提交回答；之后进入下一题"},
	KeyToggle: {"choose",
		"选择"},
	HelpToggle: {"choose what is under the cursor, or not",
		"选中或取消光标处的选项"},
	KeyCarry: {"move",
		"移动"},
	HelpCarryUp: {"bring what is under the cursor further up",
		"把光标处的一项往上移"},
	HelpCarryDown: {"bring what is under the cursor further down",
		"把光标处的一项往下移"},
	KeyShowWhere: {"show it",
		"看出处"},
	HelpShowWhere: {"show the step or the event in which the answer can be seen",
		"显示能看到答案的步骤或事件"},
	KeyGoThere: {"go there",
		"前往"},
	HelpGoThere: {"leave the quiz for that event in the lab, or for the lesson from that step",
		"离开测验，去实验环境里的那个事件，或从那一步开始上课"},
	KeyQuestions: {"questions",
		"换题"},
	HelpPrevQuestion: {"the question before",
		"上一题"},
	HelpNextQuestion: {"the question after",
		"下一题"},
	KeyFinish: {"finish",
		"交卷"},
	HelpFinish: {"end the quiz and show the results",
		"结束测验，显示结果"},
	HelpBackQuiz: {"back to the question; stop typing",
		"回到题目；停止输入"},
	HelpLeaveQuiz: {"leave for the lessons",
		"离开，回到课程"},
	QuizPane: {"Question",
		"题目"},
	QuizExplanation: {"Explanation",
		"解释"},
	QuizResults: {"Results",
		"结果"},
	QuizQuestion: {"question %d/%d",
		"第 %d/%d 题"},
	QuizTime: {"%s left",
		"还剩 %s"},
	QuizOne: {"One answer.",
		"单选。"},
	QuizSeveral: {"Several answers may be right.",
		"可能不止一个正确答案。"},
	QuizNumber: {"A number.",
		"填一个数。"},
	QuizText: {"A word or two.",
		"填一两个词。"},
	QuizOrder: {"Put them in the right order.",
		"排出正确的次序。"},
	QuizMatch: {"What belongs together?",
		"哪些属于一对？"},
	QuizLive: {"The right answer is that of your own cluster.",
		"正确答案来自你自己的集群。"},
	QuizEmpty: {"No answer yet.",
		"还没有回答。"},
	QuizNoNumber: {"%q is no number.",
		"%q 不是数字。"},
	QuizJudging: {"One moment…",
		"请稍候…"},
	QuizExamEnd: {"This was the last question. %s ends the exam; ← → lead to the others.",
		"这是最后一题。按 %s 交卷；← → 可回到其他题。"},
	QuizSureFinish: {"%d questions have no answer and will count as wrong. %s again: end the exam",
		"还有 %d 题没有回答，会算作答错。再按 %s 交卷"},
	QuizSureLeave: {"%s once more leaves the exam; nothing of it is kept.",
		"再按一次 %s 离开考试；本次作答不会保存。"},
	QuizNone: {"There are no questions here.",
		"这里没有题目。"},
	QuizNoneDue: {"Nothing to review now. A question that was missed comes back after ten minutes, then after one, three, seven and 21 days.",
		"现在没有要复习的题。答错的题十分钟后会回来，之后是一天、三天、七天和 21 天。"},
	QuizNoEvent: {"Nothing in this lab matches %s any more.",
		"实验环境里已找不到符合 %s 的事件。"},
	QuizRight: {"Right.",
		"正确。"},
	QuizWrong: {"Not right.",
		"不对。"},
	QuizPartly: {"%d %% right.",
		"对了 %d %%。"},
	QuizTruth: {"Right is:",
		"正确答案："},
	QuizYours: {"You said:",
		"你的回答："},
	QuizUnanswered: {"not answered",
		"没有回答"},
	QuizNotJudged: {"This cannot be judged now: %v",
		"现在无法评判：%v"},
	QuizScore: {"%s of %d points · %d %%",
		"得分 %s / %d · %d %%"},
	QuizRightCount: {"%d of %d wholly right",
		"%d 题全对，共 %d 题"},
	QuizComeBack: {"What was missed comes back in the review.",
		"答错的题会在复习里再次出现。"},
	QuizSeeStep: {"It can be seen in the step “%s”.",
		"可在步骤“%s”中看到。"},
	QuizSeeLesson: {"It can be seen in the lesson %s.",
		"可在课程 %s 中看到。"},
	QuizSeeEvent: {"It can be seen in the event: %s",
		"可在这个事件里看到：%s"},
	QuizTopics: {"What shall it be about?",
		"选哪个主题？"},
	QuizAllTopics: {"everything",
		"全部"},
	QuizTopicCount: {"%d questions · %d right last time",
		"%d 题 · 上次答对 %d 题"},
	QuizFootTopic: {"%s · ↑ ↓ and %s",
		"%s · ↑ ↓ 加 %s"},
	QuizFootOne: {"%s choose · %s answers",
		"%s 选择 · %s 回答"},
	QuizFootSeveral: {"%s choose or not · %s answers",
		"%s 选中或取消 · %s 回答"},
	QuizFootOrder: {"↑ ↓ cursor · %s move it, %s to that place · %s answers",
		"↑ ↓ 光标 · %s 移动，%s 移到该位 · %s 回答"},
	QuizFootMatch: {"%s is what belongs to the marked one · ↑ ↓ mark · %s answers",
		"%s 配给标记的一项 · ↑ ↓ 标记 · %s 回答"},
	QuizFootType: {"%s to type",
		"%s 开始输入"},
	QuizFootTyping: {"type · %s answers · esc for the other keys",
		"输入 · %s 回答 · esc 使用其他按键"},
	QuizFootNext: {"%s goes on",
		"%s 继续"},
	QuizFootRead: {"%s back to the question · %s go there",
		"%s 回到题目 · %s 前往"},
	QuizFootLeave: {"%s leaves",
		"%s 离开"},
	KeyNextLesson: {"next lesson",
		"下一课"},
	HelpNextLesson: {"open the lesson that comes next",
		"打开下一课"},
	HelpSummaryGo: {"what comes next: the quiz, then the next lesson",
		"接下来的事：先测验，再下一课"},
	KeyStayInLab: {"the lab",
		"实验环境"},
	HelpStayInLab: {"back to the lab as this lesson left it",
		"回到这一课结束时的实验环境"},
	SummaryTitle: {"Lesson done",
		"课程完成"},
	SummarySteps: {"Steps",
		"步骤"},
	SummaryAlone: {"%d of %d on your own",
		"独立完成 %d 步，共 %d 步"},
	SummaryHelped: {"%d with the solution",
		"%d 步看了答案"},
	SummarySkipped: {"%d skipped",
		"跳过 %d 步"},
	SummaryHints: {"Hints",
		"提示"},
	SummaryHintsUsed: {"%d looked at",
		"看了 %d 条"},
	SummaryPredictions: {"Predictions",
		"预测"},
	SummaryPredicted: {"%d of %d right",
		"对 %d 个，共 %d 个"},
	SummarySaid: {"%s: you said “%s”, it was “%s”",
		"%s：你说“%s”，实际是“%s”"},
	SummaryQuiz: {"Quiz",
		"测验"},
	SummaryQuizOpen: {"%d questions wait: %s",
		"有 %d 道题在等你：%s"},
	SummaryQuizScore: {"%s of %d points",
		"得分 %s / %d"},
	SummaryCan: {"You can now",
		"现在你能"},
	SummaryNext: {"What to look at next",
		"接下来看什么"},
	SummaryAll: {"Every lesson is done. The review brings back what was missed.",
		"所有课程都完成了。复习会带回答错的题。"},
	SummaryFootQuiz: {"%s to the quiz · %s to the next lesson",
		"%s 进入测验 · %s 进入下一课"},
	SummaryFootNext: {"%s to the next lesson",
		"%s 进入下一课"},
	SummaryFootHome: {"%s to the lessons",
		"%s 回到课程"},
}
