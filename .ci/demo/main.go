// Command demo gives a running Dockbell something to show: images, an index for three platforms, a Helm chart, and webhooks that
// are called for them. It uses the doors that everybody uses: the registry's, and the portal's forms.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d := demo{}
	flag.StringVar(&d.address, "address", addressFromEnv(), "where Dockbell is")
	flag.StringVar(&d.registry, "registry", "mycontainerregistry", "the registry that is filled; it has to be the first one")
	flag.StringVar(&d.dockbell, "dockbell", "dockbell", "the program, which makes an account for the time of the demo")
	flag.Parse()
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct{ address, registry, dockbell string }

// addressFromEnv finds the server as its own settings place it.
func addressFromEnv() string {
	if url := os.Getenv("DOCKBELL_PUBLIC_URL"); url != "" {
		return strings.TrimRight(url, "/")
	}
	host, port, err := net.SplitHostPort(os.Getenv("DOCKBELL_LISTEN"))
	if err != nil {
		return "http://127.0.0.1:8080"
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (d demo) run(ctx context.Context) error {
	b := newBrowser(d.address)
	if err := b.ready(ctx); err != nil {
		return err
	}
	guest, err := d.checkIn(ctx)
	if err != nil {
		return err
	}
	defer guest.checkOut()
	if err := b.signIn(ctx, guest); err != nil {
		return err
	}
	webhooks := "/registries/" + d.registry + "/webhooks"
	if err := b.addWebhooks(ctx, "/registries/"+d.registry); err != nil {
		return err
	}
	if err := d.push(ctx, guest); err != nil {
		return err
	}
	fmt.Printf("done: look at %s%s\n", d.address, webhooks)
	return nil
}
