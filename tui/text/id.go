package text

// ID names a text.
type ID int

// The texts. A test finds those that are missing in a language and those that nothing uses.
const (
	_ ID = iota

	// Panes and the frame.

	PaneHeld
	PaneInspector
	TooSmall
	Nodes
	Replay
	ModeRun
	ModePaused
	Starting
	StoppedWord
	LevelRequests
	LevelCalls
	LevelHops
	LevelDeliveries
	LevelStages
	LevelIs
	Progress

	// Start-up.

	PhaseWaiting
	PhaseWorking
	PhaseAllReady
	LabFailed
	LabFailedAdvice
	LabStopped

	// Lists.

	NothingHeldRun
	NothingHeldPaused
	HeldBecause
	Since
	NoEvents
	NoMatch
	NothingSelected
	EventCount
	Following
	Filtered

	// Status line.

	Busy
	NextUp
	WaitingCount
	VerbFailed
	LostEvents

	// Inspector: pages and sections.

	PageWhy
	PageDiff
	PageSource
	PageObject
	HeadWhy
	HeadSource
	HeadDiff
	HeadStored
	HeadAnswer
	HeadSent
	HeadBefore
	HeadAfter
	HeadDelivered
	HeadFilter
	HeadScore
	HeadPlugins
	FilterLegend
	ScoreTie
	ScoreLegend

	// Inspector: words.

	Failed
	KindRequest
	KindStage
	KindCommit
	KindDeliver
	KindSched
	KindCRI
	NotYet
	UnderWay
	InProcess
	Exact
	Inferred
	CauseGone
	RootCause
	CauseUnknown
	NoSource
	StackOrder
	MoreFrames
	WouldSend
	NoDiff
	Created
	Deleted
	SameObject
	MoreChanges
	MoreLines
	Undecoded
	NoObject
	Plugin
	Weight
	Total
	Decision
	Reason
	User
	Groups
	FlowSchema
	PriorityLevel
	EtcdKey
	Revision
	Writes
	Size
	Watch
	Client
	Node
	Container
	Image
	ContainerID
	SandboxID
	Signal
	ExitCode
	Profile
	Attempt

	// Keys: a word for the key bar, a sentence for the help.

	KeyStep
	HelpStep
	KeyStepThis
	HelpStepThis
	KeyContinue
	HelpContinue
	KeyPause
	HelpPause
	KeyFiner
	HelpFiner
	KeyCoarser
	HelpCoarser
	KeyOpen
	HelpOpen
	KeyBack
	HelpBack
	KeyNextPane
	HelpNextPane
	HelpPrevPane
	HelpUp
	HelpDown
	HelpPageUp
	HelpPageDown
	HelpTop
	HelpBottom
	KeyFilter
	HelpFilter
	KeyWhyPage
	HelpWhyPage
	KeyDiffPage
	HelpDiffPage
	KeySourcePage
	HelpSourcePage
	KeyObjectPage
	HelpObjectPage
	KeyLanguage
	HelpLanguage
	KeyHelp
	HelpHelp
	KeyQuit
	HelpQuit
	HelpTitle
	HelpNow
	HelpMouse
	GroupStep
	GroupLook
	GroupMove
	GroupProgram

	// The lab screen: views and their questions.

	LabTitle
	ViewMap
	ViewTrace
	ViewScheduler
	ViewEtcd
	ViewObjects
	AskMap
	AskTrace
	AskScheduler
	AskEtcd
	AskObjects

	// Views.

	TraceTimeline
	TraceTree
	WithBackground
	MapNote
	Wants
	MoreComponents
	NoNode
	NotReady
	NoAttempts
	AttemptCount
	AttemptNumber
	NoNodeFits
	NoScoresYet
	OnlyNode
	RevisionCount
	KeyCount
	NoKeys
	WritesShort
	WrittenBy
	ComparedWith
	NothingBefore
	BodyGone
	DeletedShort
	Terminating
	ReadyOf
	UpdatedOf
	ObjectCount
	AllKinds
	NoObjects
	HeadEvents
	HeadLastWrite

	// Time.

	Then
	ThenNow
	ThenEnds
	ThenNoVerbs

	// Prompt, palette, breakpoints, clipboard.

	Console
	ConsoleEmpty
	ConsoleWaits
	PromptKeys
	NoCompletion
	Unbalanced
	Copied
	PaletteTitle
	PaletteNone
	PaletteOff
	BreakTitle
	BreakHelp
	BreakPattern
	BreakHint
	BreakNone
	BreakKeys

	// Keys of the lab screen.

	HelpNextView
	HelpPrevView
	KeyTree
	HelpTree
	KeyBackground
	HelpBackground
	KeyFold
	HelpFold
	KeyZoom
	HelpZoom
	KeyMark
	HelpMark
	KeySort
	HelpSort
	KeyScroll
	HelpScrollDown
	HelpScrollUp
	KeyEarlier
	HelpEarlier
	KeyLater
	HelpLater
	HelpMuchEarlier
	HelpMuchLater
	KeyNow
	HelpReturn
	KeyPrompt
	HelpPrompt
	KeyPalette
	HelpPalette
	KeyBreak
	HelpBreak
	KeyFollow
	HelpFollow
	Follows
	KeyCopy
	HelpCopy
	GroupViews
	GroupTime

	// The rollout.

	ViewRollout
	AskRollout
	NoDeployments
	RolloutAllowed
	RolloutRecreate
	RolloutPods
	RolloutAvailable
	RolloutAtMost
	RolloutAtLeast
	RolloutNew
	RolloutOld
	RolloutNoSet
	RolloutSteps
	RolloutDone
	RolloutUnderWay
	RolloutLegend
	RolloutRequests
	RolloutNoRequests
	RolloutOKFailed
	RolloutLastFailure

	// The network.

	KindHop
	KindDNS
	HeadHeaders
	HeadBytes
	Where
	Rule
	Verdict
	Payload
	LookedFor
	SearchDomain
	Server

	ViewPackets
	AskPackets
	NoPackets
	HeldShort
	PacketCount
	TriesWasted
	LookupCost
	FlowCount
	HopCount
	Hops
	ViewDNS
	AskDNS
	NoLookups
	LookupCount
	TryCount
	Tries

	idsHere // lesson.go, quiz.go, machine.go and home.go have the rest
)
