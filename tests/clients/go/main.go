// SPDX-License-Identifier: Apache-2.0

// amqp091-go, unchanged: clients PORT BROKER [NAME-PART…], see ../external.py.
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
	secondsMax = 90 * time.Second
)

type scenario struct {
	name  string
	do    func(*run)
	alone bool
}

var scenarios = []scenario{
	{"heartbeats", heartbeats, false},
	{"server_properties", serverProperties, false},
	{"refused_logins", refusedLogins, false},
	{"small_frames", smallFrames, false},
	{"update_secret", updateSecret, false},
	{"confirms_and_acks", confirmsAndAcks, false},
	{"return_before_confirm", returnBeforeConfirm, false},
	{"unroutable_is_confirmed", unroutableIsConfirmed, false},
	{"properties_and_headers", propertiesAndHeaders, false},
	{"large_message", largeMessage, false},
	{"interleaved_channels", interleavedChannels, false},
	{"transactions", transactions, false},
	{"cancelled_when_its_queue_goes", cancelledWhenItsQueueGoes, false},
	{"prefetch", prefetch, false},
	{"prefetch_of_the_channel", prefetchOfTheChannel, false},
	{"requeued", requeued, false},
	{"multiple", multiple, false},
	{"recover", recoverAll, false},
	{"closed_channel_gives_back", closedChannelGivesBack, false},
	{"cancel", cancel, false},
	{"routing", routing, false},
	{"exchange_to_exchange", exchangeToExchange, false},
	{"queue_counts", queueCounts, false},
	{"channel_errors", channelErrors, false},
	{"errors_without_a_request", errorsWithoutARequest, false},
	{"connection_errors", connectionErrors, false},
	{"flow", flow, false},
	{"recovery", recovery, true},
	{"reconnect_by_hand", reconnectByHand, true},
}

var (
	failed int
	said   sync.Mutex
)

func say(word, name, why string, began time.Time) {
	said.Lock()
	defer said.Unlock()
	if word == "ok" {
		fmt.Printf("ok go.%s (%.1f s)\n", name, time.Since(began).Seconds())
		return
	}
	if word == "FAIL" {
		failed++
	}
	fmt.Printf("%s go.%s: %s\n", word, name, strings.Join(strings.Fields(why), " "))
}

func one(s scenario, r *run) {
	began := time.Now()
	defer r.close()
	late := time.AfterFunc(secondsMax, func() {
		say("FAIL", s.name, "hangs", began)
		os.Exit(1)
	})
	defer late.Stop()
	defer func() {
		switch why := recover().(type) {
		case nil:
			say("ok", s.name, "", began)
		case failure:
			say("FAIL", s.name, why.text, began)
			fmt.Fprintf(os.Stderr, "%s\n%s\n", why.text, debug.Stack())
		case skip:
			say("skip", s.name, why.text, began)
		default:
			say("FAIL", s.name, fmt.Sprint(why), began)
			fmt.Fprintf(os.Stderr, "%v\n%s\n", why, debug.Stack())
		}
	}()
	s.do(r)
}

func chosen(name string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains("go."+name, part) {
			return true
		}
	}
	return len(parts) == 0
}

func main() {
	port, broker, parts := os.Args[1], os.Args[2], os.Args[3:]
	fmt.Println("client", clientVersion())
	var group sync.WaitGroup
	slots := make(chan struct{}, jobs)
	var alone []scenario
	for _, s := range scenarios {
		if !chosen(s.name, parts) {
			continue
		}
		if s.alone {
			alone = append(alone, s)
			continue
		}
		group.Add(1)
		slots <- struct{}{}
		go func(s scenario) {
			defer group.Done()
			one(s, &run{port: port, real: broker == "rabbitmq"})
			<-slots
		}(s)
	}
	group.Wait()
	for _, s := range alone {
		one(s, &run{port: port, real: broker == "rabbitmq"})
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func clientVersion() string {
	const module = "github.com/rabbitmq/amqp091-go"
	if info, there := debug.ReadBuildInfo(); there {
		for _, one := range info.Deps {
			if one.Path == module {
				return "amqp091-go " + strings.TrimPrefix(one.Version, "v")
			}
		}
	}
	return "amqp091-go"
}
