package history

import (
	"errors"
	"io/fs"
	"strings"
)

// logState is what a write must know of the log.
type logState struct {
	there    bool            // the file is there
	named    bool            // its name is on disk
	lost     bool            // it is not, although it was
	size     int64           // octets up to the end of the last line
	line     int             // the number of the last line
	prev     string          // its digest
	open     bool            // it lacks its end
	headless bool            // the head is not there yet
	unsure   bool            // a sync failed: not all octets may be on disk
	cut      bool            // beyond size there may be octets that were never committed
	again    []logLine       // what was found without a line of the log, to be stated again
	left     []string        // files that a crash left, and nothing refers to
	folders  map[string]bool // folders that are known to be on disk
	events   int             // the highest number of an event
}

// Repair makes good what can be made good: it cuts off what a crash left of a
// line, takes away files that were never committed, states again what was
// found without a line of the log, and syncs the log, so that what was read
// now will be read again. Who acts on what the history says calls it first;
// every write does so, but for the sync.
func (h *History) Repair() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(); err != nil {
		return err
	}
	if err := h.syncLog(); err != nil {
		return err
	}
	h.writeHead()
	return nil
}

// begin makes the history fit to be written to.
func (h *History) begin() error {
	l := &h.log
	if !l.there {
		if err := h.startLog(); err != nil {
			return err
		}
	}
	if !l.named {
		if err := h.fsys.SyncDir("."); err != nil {
			return err
		}
		l.named = true
	}
	if l.headless { // before the first line: a head that is missing later was taken away
		if err := h.putHead(); err != nil {
			return err
		}
		if err := h.fsys.SyncDir("."); err != nil {
			return err
		}
		l.headless = false
	}
	if l.cut || l.unsure {
		if err := h.cutLog(); err != nil {
			return err
		}
	}
	for _, name := range l.left {
		_ = h.fsys.Remove(name) // what stays is told of again
	}
	l.left = nil
	if len(l.again) > 0 {
		again := l.again
		l.again = nil
		if err := h.append(again); err != nil {
			l.again = again
			return err
		}
	}
	return nil
}

// startLog makes a log of one line.
func (h *History) startLog() error {
	if err := h.fsys.MkdirAll("."); err != nil {
		return err
	}
	l := &h.log
	text, err := encodeLine(logLine{Line: l.line + 1, Log: &formatLine{Format: format, Lost: l.lost}})
	if err != nil {
		return err
	}
	if err := h.replace(".", logName, append(text, '\n')); err != nil {
		return err
	}
	if err := h.fsys.SyncDir("."); err != nil {
		return err
	}
	l.line, l.prev, l.size = l.line+1, lineSum(text), int64(len(text))+1
	l.there, l.named, l.lost, l.cut, l.open = true, true, false, false, false
	l.headless = true
	return nil
}

// cutLog takes octets that were never committed off the log. They must be gone
// for good before a file is written anew that they may speak of. After a sync
// that failed nothing tells which octets are on disk, and a second one says
// that all are; so the log is written anew.
func (h *History) cutLog() error {
	l := &h.log
	if l.unsure {
		b, err := h.fsys.ReadFile(logName)
		if err != nil {
			return err
		}
		if err := h.replace(".", logName, b[:min(l.size, int64(len(b)))]); err != nil {
			return err
		}
		if err := h.fsys.SyncDir("."); err != nil {
			return err
		}
		l.unsure, l.cut = false, false
		return nil
	}
	if err := h.fsys.Truncate(logName, l.size); err != nil {
		return err
	}
	if err := h.syncLog(); err != nil {
		return err
	}
	l.cut = false
	return nil
}

func (h *History) syncLog() error {
	f, err := h.fsys.Append(logName)
	if err != nil {
		return err
	}
	err = f.Sync()
	h.log.unsure = h.log.unsure || err != nil
	_ = f.Close() // what was synced is there
	return err
}

// append writes lines at the end of the log, and numbers them. When it fails
// none of them is there, once cutLog was done.
func (h *History) append(ls []logLine) error {
	l := &h.log
	line, prev := l.line, l.prev
	var b []byte
	if l.open {
		b = append(b, '\n')
	}
	for _, one := range ls {
		line++
		one.Line, one.Prev = line, prev
		text, err := encodeLine(one)
		if err != nil {
			return err
		}
		prev = lineSum(text)
		b = append(append(b, text...), '\n')
	}
	f, err := h.fsys.Append(logName)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
		l.unsure = err != nil
	}
	_ = f.Close() // what was synced is there
	if err != nil {
		l.cut = true
		_ = h.cutLog() // else begin does it
		return err
	}
	l.line, l.prev, l.open = line, prev, false
	l.size += int64(len(b))
	h.writeHead()
	return nil
}

// writeHead notes the last line beside the log. The line is committed already,
// so a failure is no failure of the write: the head lags behind.
func (h *History) writeHead() { _ = h.putHead() }

func (h *History) putHead() error {
	return h.replace(".", headName, []byte(head{h.log.line, h.log.prev}.text()))
}

// place writes a file of a folder that may have to be made. The folder's names
// are left to be synced.
func (h *History) place(folder, name string, b []byte) error {
	if !h.log.folders[folder] {
		if err := h.fsys.MkdirAll(folder); err != nil {
			return err
		}
		above, _, _ := strings.Cut(folder, "/")
		for _, dir := range []string{above, "."} {
			if err := h.fsys.SyncDir(dir); err != nil {
				return err
			}
		}
		h.log.folders[folder] = true
	}
	err := h.replace(folder, name, b)
	if err != nil {
		delete(h.log.folders, folder) // somebody may have taken it away
	}
	return err
}

// replace writes a file that is whole or not there at all. Its name is left to
// be synced.
func (h *History) replace(folder, name string, b []byte) error {
	path := name
	if folder != "." {
		path = folder + "/" + name
	}
	tmp := path + tmpExt
	if err := h.fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := h.fsys.Create(tmp)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = h.fsys.Rename(tmp, path)
	}
	if err != nil {
		_ = h.fsys.Remove(tmp)
	}
	return err
}
