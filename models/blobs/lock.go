package blobs

import "sync"

// locks are mutexes by name that exist while somebody holds or wants them.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	mu    sync.Mutex
	users int
}

func (l *locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	one := l.held[name]
	if one == nil {
		one = &lock{}
		l.held[name] = one
	}
	one.users++
	l.mu.Unlock()
	one.mu.Lock()
	return func() {
		one.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.held, name)
		}
	}
}

// try gives nil when somebody holds the name.
func (l *locks) try(name string) (unlock func()) {
	l.mu.Lock()
	taken := l.held[name] != nil
	l.mu.Unlock()
	if taken {
		return nil
	}
	return l.lock(name)
}
