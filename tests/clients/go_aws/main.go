// SPDX-License-Identifier: Apache-2.0

// aws-sdk-go-v2, unchanged: clients PORT BROKER [NAME-PART…], see ../external.py.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

const (
	jobs       = 8
	secondsMax = 60 * time.Second
)

var scenarios = []struct {
	name string
	do   func(*run)
}{
	{"long_poll_and_delay", longPollAndDelay},
	{"visibility", visibility},
	{"send_receive_delete", sendReceiveDelete},
	{"attributes", attributes},
	{"batches", batches},
	{"many_at_once", manyAtOnce},
	{"create_and_find", createAndFind},
	{"pages", pages},
	{"queue_attributes", queueAttributes},
	{"tags", tags},
	{"purge_and_delete", purgeAndDelete},
	{"topics", topics},
	{"publish_envelope", publishEnvelope},
	{"publish_filtered", publishFiltered},
	{"publish_batch", publishBatch},
	{"topic_errors", topicErrors},
	{"error_types", errorTypes},
	{"credentials", wrongCredentials},
}

var (
	failed int
	said   sync.Mutex
)

func say(word, name, why string, began time.Time) {
	said.Lock()
	defer said.Unlock()
	if word == "ok" {
		fmt.Printf("ok aws_go.%s (%.1f s)\n", name, time.Since(began).Seconds())
		return
	}
	failed++
	fmt.Printf("%s aws_go.%s: %s\n", word, name, strings.Join(strings.Fields(why), " "))
}

func one(name string, do func(*run), r *run) {
	began := time.Now()
	late := time.AfterFunc(secondsMax, func() {
		say("FAIL", name, "hangs", began)
		os.Exit(1)
	})
	defer late.Stop()
	defer func() {
		why := recover()
		if why == nil {
			say("ok", name, "", began)
			return
		}
		say("FAIL", name, fmt.Sprint(why), began)
		fmt.Fprintf(os.Stderr, "%v\n%s\n", why, debug.Stack())
	}()
	do(r)
}

func chosen(name string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains("aws_go."+name, part) {
			return true
		}
	}
	return len(parts) == 0
}

func main() {
	port, parts := os.Args[1], os.Args[3:]
	fmt.Println("client", clientVersion())
	var group sync.WaitGroup
	slots := make(chan struct{}, jobs)
	for _, s := range scenarios {
		if !chosen(s.name, parts) {
			continue
		}
		group.Add(1)
		slots <- struct{}{}
		go func() {
			defer group.Done()
			one(s.name, s.do, newRun(port))
			<-slots
		}()
	}
	group.Wait()
	if failed > 0 {
		os.Exit(1)
	}
}

func clientVersion() string {
	const module = "github.com/aws/aws-sdk-go-v2/service/sqs"
	if info, there := debug.ReadBuildInfo(); there {
		for _, one := range info.Deps {
			if one.Path == module {
				return "aws-sdk-go-v2/sqs " + strings.TrimPrefix(one.Version, "v")
			}
		}
	}
	return "aws-sdk-go-v2/sqs"
}
