// Package attach gives other processes of the same user a running lab: [Serve] offers an [engine.Lab] on a Unix socket,
// [Dial] returns one that is in another process, and [Find] finds those that run.
//
// cmd imports it. It imports engine, engine/trace and the standard library.
//
// # Protocol
//
// HTTP/1.1 on a Unix socket, so that curl --unix-socket is a debugger for it:
//
//	GET  /hello                              who is there: see Hello
//	GET  /v1/events?cursor=N                 JSON lines without end: {"event":...} for each event that is new or has
//	                                         changed, and after each batch {"next":CURSOR,"lost":N}
//	GET  /v1/status?generation=N             {"generation":N,"status":...}; with a generation, waits for another one
//	GET  /v1/debug?generation=N              the engine.DebugState, likewise
//	POST /v1/debug                           an engine.Command; returns {"state":...,"cursor":N}
//	POST /v1/settle                          {"quiet":NANOSECONDS}; returns {"cursor":N}
//	GET  /v1/history/at?seq=N                the engine.Snapshot
//	GET  /v1/history/object?seq=N&kind=...   {"ok":true,"object":...}; the fields are those of trace.Object
//	GET  /v1/faults                          the engine.FaultState
//	POST /v1/faults                          an engine.FaultCommand; returns {"faults":...,"cursor":N}
//
// A request that fails has a status of 400 or more and the body {"error":{"class":"usage","text":"..."}}; the class is
// that of package engine. Do's error comes with the state.
//
// Versions of the protocol do not mix: /hello tells, and is the same in all of them.
//
// # Who may connect
//
// The socket has mode 0600 in a directory of mode 0700. A file with the socket's name and ".lock" is locked for as long
// as its owner lives, so that the socket of a killed process is told from a live one without asking anybody.
package attach
