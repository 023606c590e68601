package delivery

import "time"

// starts are the deliveries of one Record that are to be sent at once.
type starts struct {
	of   Starter
	turn int64 // of the webhooks
	jobs []Job
}

// reserve marks the deliveries for which there is room as claimed.
func (s *starts) reserve(entries []Entry) {
	if s.of == nil {
		return
	}
	most := 0
	for _, entry := range entries {
		most += len(entry.Deliveries)
	}
	s.jobs = make([]Job, 0, most)
	for _, entry := range entries {
		for i := range entry.Deliveries {
			del, hook := &entry.Deliveries[i], entry.To[i]
			lease, ok := s.of.Reserve(hook, del.Action)
			if !ok {
				continue
			}
			del.Lease, del.Attempts = lease, 1
			s.jobs = append(s.jobs, Job{Delivery: *del, Webhook: hook, Turn: s.turn})
		}
	}
}

// giveBack ends the reservations: nothing of them was stored.
func (s *starts) giveBack() {
	if len(s.jobs) > 0 {
		s.of.GiveBack(s.jobs)
		s.jobs = nil
	}
}

// start sends what was stored, and gives back what belonged to events that were known.
func (s *starts) start(entries []Entry) {
	if len(s.jobs) == 0 {
		return
	}
	known := map[ID]bool{}
	for _, entry := range entries {
		if !entry.Known {
			continue
		}
		for _, del := range entry.Deliveries {
			known[del.ID] = true
		}
	}
	var dropped []Job
	stored := s.jobs[:0] // in the same place
	for _, job := range s.jobs {
		if known[job.Delivery.ID] {
			dropped = append(dropped, job)
			continue
		}
		job.Delivery.Lease, job.Delivery.Next = 0, time.Time{} // claimed: nothing further is planned
		stored = append(stored, job)
	}
	if s.jobs = dropped; len(dropped) > 0 {
		s.giveBack()
	}
	s.of.Start(stored)
}
