// Package kubeglobal owns what Kubernetes keeps in process-wide variables: logging, feature gates, versions,
// capabilities, client warnings and random numbers. They are set once, by [Setup], before any component starts; nothing
// else in the program may set them.
//
// Only cmd and tests that start components import it.
//
// What it leaves alone: configz (a second component under the same name gets an error, which every upstream component
// logs and goes on with), the metrics registries (see runtime/kubelet for what a second kubelet does there) and
// utilruntime.ReallyCrash (a panic in a controller is a bug that must be seen).
package kubeglobal
