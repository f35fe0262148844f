package schema

import (
	"fmt"
	"strings"
)

// File is one file of a lesson's folder.
type File struct {
	Name    string
	Content []byte
}

// Skeleton returns the files of a new lesson: a small one that lints and proves, to be changed.
func Skeleton(id string) ([]File, error) {
	if !isID(id) {
		return nil, fmt.Errorf("%q is no name for a lesson: use lower-case letters, digits and dashes, beginning with a letter", id)
	}
	fill := func(s string) []byte { return []byte(strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "ID", id)) }
	return []File{{lessonFile, fill(skeletonYAML)}, {"en.md", fill(skeletonEnglish)}, {"zh.md", fill(skeletonChinese)}}, nil
}

const skeletonYAML = `
# The form is described in lessons/README.md. kubestep lesson lint says what is wrong, with line and remedy.
format: 1
id: ID # the folder's name
level: beginner # beginner, intermediate or advanced
minutes: 5
topics: [pod-lifecycle]
lab: {nodes: 1}

steps:
  - id: make
    view: map
    do: [kubectl run web --image=kubestep.dev/web:v1]
    predict:
      options: [node-1, nowhere]
      truth: 'object("Pod", "web").?spec.?nodeName.orValue("nowhere")'
    check:
      - id: running
        that: object("Pod", "web").?status.?phase.orValue("") == "Running"
        wrong:
          - id: other-name
            when: objects("Pod").exists(p, p.metadata.name != "web")
    attempts:
      - run: [kubectl run wbe --image=kubestep.dev/web:v1]
        expect: other-name
        undo: [kubectl delete pod wbe --now]

quiz:
  - id: image
    kind: text
    live: true
    truth: object("Pod", "web").spec.containers[0].image
    see: {step: make}
`

const skeletonEnglish = `
# Title of the lesson

What it is about, in a few sentences.

- What a learner can do afterwards

## make: Make a Pod

What to do in this step, and what to look at.

### predict
Where will it run?
- node-1: On node-1
- nowhere: Nowhere
  > Why this is wrong.

### check running
The Pod runs
- todo: There is no Pod that runs yet.
- other-name: There is a Pod with another name.

### hint
A first nudge.

### why
What happened, and why.

# Quiz

## image
Which image does your Pod have?

### why
It is in the Pod's spec.
`

const skeletonChinese = `
# 课程标题

用几句话说明本课内容。

- 学完之后能做什么

## make: 创建一个 Pod

这一步要做什么，看哪里。

### predict
它会在哪里运行？
- node-1: 在 node-1 上
- nowhere: 哪里也不运行
  > 为什么这是错的。

### check running
Pod 正在运行
- todo: 还没有正在运行的 Pod。
- other-name: 有一个 Pod，但名字不对。

### hint
第一个提示。

### why
发生了什么，为什么。

# 测验

## image
你的 Pod 用的是哪个镜像？

### why
写在 Pod 的 spec 里。
`
