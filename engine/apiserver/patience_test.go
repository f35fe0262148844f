package apiserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		outer, cancel := context.WithTimeout(patient{client}, time.Minute) // WithRequestDeadline
		defer cancel()
		handler, cancel := context.WithTimeout(outer, 34*time.Second) // requestTimeoutUpperBound
		defer cancel()
		webhook, cancel := context.WithTimeout(handler, 30*time.Second) // the longest that a webhook can have
		defer cancel()

		time.Sleep(time.Hour)
		if handler.Err() != nil {
			t.Errorf("a request was given up: %v", handler.Err())
		}
		if !errors.Is(webhook.Err(), context.DeadlineExceeded) {
			t.Errorf("a webhook was not: %v", webhook.Err())
		}
		if at, ok := handler.Deadline(); !ok || time.Until(at) != always {
			t.Errorf("a call to etcd would have %v", time.Until(at))
		}
		leave()
		<-handler.Done()
		if !errors.Is(handler.Err(), context.Canceled) {
			t.Errorf("when the client had gone: %v", handler.Err())
		}
	})
}
