package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"

	"dockbell/models/fault"
)

// keySize is the length of Options.Key.
const keySize = 32

// sealer encrypts values at rest with AES-256-GCM and binds each to its place, so that a copy elsewhere does not open.
type sealer struct {
	id   byte // names the key; in front of every sealed value, so that a later key can be told from this one
	aead cipher.AEAD
}

// place is where a sealed value stands.
type place struct{ table, column, row string }

// binding is what a sealed value is authenticated with.
func (p place) binding() []byte { return []byte(p.table + ":" + p.column + ":" + p.row) }

func newSealer(key []byte) (*sealer, error) {
	if len(key) != keySize {
		return nil, fault.New(fault.Internal, "The key that seals stored secrets has %d bytes; it must have %d.", len(key), keySize)
	}
	secret, err := hkdf.Key(sha256.New, key, nil, "dockbell sealed values", keySize)
	if err != nil {
		return nil, err
	}
	id, err := hkdf.Key(sha256.New, key, nil, "dockbell key id", 1)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{id: id[0], aead: aead}, nil
}

// seal encrypts a value for one place.
func (s *sealer) seal(p place, plain []byte) []byte {
	return s.aead.Seal([]byte{s.id}, nil, plain, p.binding()) //nolint:gosec // this AEAD makes its nonces itself (NewGCMWithRandomNonce)
}

// open decrypts what seal made for the same place with the same key.
func (s *sealer) open(p place, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != s.id {
		return nil, unopened(p, errors.New("it was sealed with another key"))
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], p.binding())
	if err != nil {
		return nil, unopened(p, err)
	}
	return plain, nil
}

func unopened(p place, cause error) error {
	return fault.New(fault.Internal, "A stored secret (%s of a row in %s) cannot be opened. Start Dockbell with the key file it was stored with.", p.column, p.table).Because(cause)
}
