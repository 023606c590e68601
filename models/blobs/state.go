package blobs

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"os"
)

// A state is what the hash of an upload knows between two requests: session, size, sha256's own state.
const (
	sessionSize = 16
	sizeAt      = sessionSize
	hashAt      = sessionSize + 8
	tempSuffix  = ".tmp"
)

// resume gives the hash of what an upload holds and puts the file at its end. A state of another run is not trusted: after
// a power cut it may be younger than the bytes. Then the bytes are hashed again, and the file counts, not the state.
func (f *Files) resume(id string, file *os.File) (hash.Hash, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, failed(err)
	}
	sum := sha256.New()
	if info.Size() == 0 {
		return sum, 0, nil
	}
	if size, ok := f.readState(id, sum); ok && size == info.Size() {
		_, err := file.Seek(0, io.SeekEnd)
		if err != nil {
			return nil, 0, failed(err)
		}
		return sum, size, nil
	}
	sum.Reset()
	size, err := io.Copy(sum, file)
	if err != nil {
		return nil, 0, failed(err)
	}
	return sum, size, nil
}

// readState brings the hash to where it was; false when there is no state of this run.
func (f *Files) readState(id string, sum hash.Hash) (size int64, ok bool) {
	state, err := f.root.ReadFile(stateFile(id))
	if err != nil || len(state) <= hashAt || !bytes.Equal(state[:sessionSize], f.session) {
		return 0, false
	}
	h, resumable := sum.(encoding.BinaryUnmarshaler)
	if !resumable || h.UnmarshalBinary(state[hashAt:]) != nil {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(state[sizeAt:hashAt])), true
}

// keepState writes the hash's state in one step: half a state is never read.
func (f *Files) keepState(id string, sum hash.Hash, size int64) error {
	h, resumable := sum.(encoding.BinaryMarshaler)
	if !resumable {
		return nil // the bytes are hashed again
	}
	inner, err := h.MarshalBinary()
	if err != nil {
		return failed(err)
	}
	state := binary.BigEndian.AppendUint64(bytes.Clone(f.session), uint64(size))
	temp := stateFile(id) + tempSuffix
	err = f.root.WriteFile(temp, append(state, inner...), fileMode)
	if err == nil {
		err = f.root.Rename(temp, stateFile(id))
	}
	if err != nil {
		return errors.Join(failed(err), f.root.Remove(temp))
	}
	return nil
}
