//go:build linux

package bolt

import (
	"bytes"
	"errors"
	"hash/fnv"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// Any file is a journal whose records bbolt gives too, or damaged: Check never
// panics and never lets through what bbolt reads otherwise. The sums of the two
// headers are made right, so that what lies behind them is reached.
func FuzzCheck(f *testing.F) {
	for _, n := range []int{0, 1, 12} {
		// Small pages make small files: there is more to find in each octet.
		path := filepath.Join(f.TempDir(), "book.db")
		o := options(Options{})
		o.PageSize, o.InitialMmapSize = 512, 0
		db, err := bbolt.Open(path, 0o600, o)
		if err != nil {
			f.Fatal(err)
		}
		records, _ := journaltest.Seal(f, ipam.Chain{}, n)
		var b bytes.Buffer
		err = db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucket(bucketName)
			for i, r := range records {
				err = errors.Join(err, bucket.Put(key(uint64(i+1)), pack(r)))
			}
			return err
		})
		err = errors.Join(err, db.View(func(tx *bbolt.Tx) error {
			_, err := tx.WriteTo(&b)
			return err
		}), db.Close())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// bbolt wants the first 4096 octets in one read; a journal has more.
		data = append(bytes.Clone(data), make([]byte, max(0, 8192-len(data)))...)
		at := headPage
		for range 2 {
			if at+headBytes <= len(data) {
				sum := fnv.New64a()
				sum.Write(data[at : at+headBytes-8])
				order.PutUint64(data[at+headBytes-8:], sum.Sum64())
				at += int(order.Uint32(data[headPage+8:]) % (1 << 20)) // the size of a page
			}
		}
		var seen [][]byte
		end, err := check("x", bytes.NewReader(data), int64(len(data)), func(e ipam.Event) { seen = append(seen, e.Append(nil)) })
		var de *DamageError
		if err != nil {
			if !errors.As(err, &de) {
				t.Fatalf("%v is no *DamageError", err)
			}
			return
		}
		if end.Revision != uint64(len(seen)) {
			t.Fatalf("revision %d after %d events", end.Revision, len(seen))
		}
		path := filepath.Join(t.TempDir(), "book.db")
		write(t, path, data)
		if got, err := contents(t, path); err != nil || !same(got, seen) {
			t.Fatalf("passes the check with %d events, bbolt gives %d: %v", len(seen), len(got), err)
		}
	})
}
