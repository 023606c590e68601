package account

import (
	"context"
	"time"

	"dockbell/models/fault"
)

// Device is what a client shows to a person.
type Device struct {
	Code     string // for the client, to ask with
	UserCode string // for the person, to type
	Expires  time.Duration
	Interval time.Duration
}

// StartDevice makes a code for a client without a browser.
func (s *SignIns) StartDevice(ctx context.Context, asker Asker) (Device, error) {
	if err := CheckClient(asker.Client); err != nil {
		return Device{}, err
	}
	now := s.Now()
	d := Device{Code: newSecret(""), UserCode: newUserCode(), Expires: deviceAge, Interval: PollInterval}
	return d, s.Codes.AddCode(ctx, Code{
		ID: codeID(d.Code), Method: ByDevice, UserCode: d.UserCode, Asker: asker, Status: CodeWaiting, Interval: PollInterval,
		Created: now, Expires: now.Add(deviceAge),
	}, maxWaiting)
}

// DeviceRequest gives what a person's code stands for; NotFound at field "code" when it is none, or too old, or answered.
func (s *SignIns) DeviceRequest(ctx context.Context, typed string) (Code, error) {
	unknown := fault.New(fault.NotFound, "No program waits with this code. Codes end after 15 minutes: start the sign-in again, or check what you typed.")
	unknown.Field = "code"
	code := ReadUserCode(typed)
	if code == "" {
		return Code{}, unknown
	}
	c, err := s.Codes.CodeOfUser(ctx, code)
	switch {
	case fault.Is(err, fault.NotFound):
		return Code{}, unknown
	case err != nil:
		return Code{}, err
	case c.Status != CodeWaiting || !s.Now().Before(c.Expires):
		return Code{}, unknown
	}
	return c, nil
}

// AnswerDevice lets the client of a code act for a person, or not.
func (s *SignIns) AnswerDevice(ctx context.Context, typed string, user string, yes bool) (Code, error) {
	c, err := s.DeviceRequest(ctx, typed)
	if err != nil {
		return Code{}, err
	}
	return c, s.Codes.ChangeCode(ctx, c.ID, func(c *Code) error { return c.answer(user, yes) })
}

// answer is a person's decision, once.
func (c *Code) answer(user string, yes bool) error {
	if c.Status != CodeWaiting {
		f := fault.New(fault.Conflict, "This request has been answered already.")
		f.Field = "code"
		return f
	}
	if c.Status = CodeDenied; yes {
		c.Status, c.User = CodeApproved, user
	}
	return nil
}

// PollDevice answers a client that waits for a person. Until there is an answer the fault's field says in OAuth's words what
// to do (RFC 8628, 3.5).
func (s *SignIns) PollDevice(ctx context.Context, device string, r Asking) (Signed, error) {
	id, now, grant := codeID(device), s.Now(), s.NewID()
	var was Code
	var verdict error
	err := s.Codes.ChangeCode(ctx, id, func(c *Code) error {
		was = *c
		verdict = c.poll(now, r.Client, grant)
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return Signed{}, refused("invalid_grant", "This device code is not one of this Dockbell.")
	}
	if err != nil {
		return Signed{}, err
	}
	if verdict != nil {
		return Signed{}, verdict
	}
	return s.redeem(ctx, was, grant, r)
}

// poll moves a device code on by one question of its client.
func (c *Code) poll(now time.Time, client, grant string) error {
	early := now.Sub(c.Polled) < c.Interval-pollTolerance
	c.Polled = now
	switch {
	case c.Method != ByDevice || c.Asker.Client != client:
		return refused("invalid_grant", "This device code was given to another client.")
	case !now.Before(c.Expires):
		return refused("expired_token", "The code has expired: nobody confirmed it within 15 minutes. Start the sign-in again.")
	case c.Status == CodeDenied:
		return refused("access_denied", "The sign-in was refused on the page of the code.")
	case c.Status == CodeUsed:
		return refused("invalid_grant", "This code was used before. Start the sign-in again.")
	case early:
		c.Interval += PollInterval
		return refused("slow_down", "Ask less often: every %d seconds.", int(c.Interval.Seconds()))
	case c.Status == CodeWaiting:
		return refused("authorization_pending", "The code has not been confirmed yet.")
	}
	c.Status, c.Grant = CodeUsed, grant
	return nil
}
