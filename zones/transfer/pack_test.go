package transfer

import (
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// packLaw: records of any owners in any order read back as they were written,
// by readName and by miekg/dns, whatever the question's name and its spelling.
func packLaw(t *rapid.T) {
	label := rapid.SampledFrom([]string{"a", "b", "ab", "\xc9\xff", "\x00", "may-0000001", "0123456789012345678901234567890123456789012345678901234567890ab"})
	name := rapid.Custom(func(t *rapid.T) zones.Name {
		n := zones.Root()
		for range rapid.IntRange(0, 5).Draw(t, "labels") {
			if c, err := n.Child(label.Draw(t, "label")); err == nil {
				n = c
			}
		}
		return n
	})
	asked := []byte(name.Draw(t, "asked").Wire())
	for i := range asked {
		if c := asked[i]; 'a' <= c && c <= 'z' && rapid.Bool().Draw(t, "capital") {
			asked[i] -= 'a' - 'A'
		}
	}
	var p packer
	for range rapid.IntRange(1, 2).Draw(t, "messages") {
		out := append(make([]byte, headerLen), asked...)
		out[5] = 1
		p.reset(append(out, 0, 252, 0, 1), 0)
		var owners []zones.Name
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			n := name.Draw(t, "owner")
			switch last := len(owners) - 1; {
			case last < 0:
			case rapid.IntRange(0, 3).Draw(t, "again") == 0:
				n = owners[last]
			case rapid.IntRange(0, 2).Draw(t, "beside") == 0:
				if up, ok := owners[last].Parent(); ok {
					if c, err := up.Child(label.Draw(t, "label")); err == nil {
						n = c
					}
				}
			case rapid.IntRange(0, 2).Draw(t, "below") == 0:
				if c, err := owners[last].Child(label.Draw(t, "label")); err == nil {
					n = c
				}
			}
			owners = append(owners, n)
			p.record(n, zones.TypeA, 60, "\x01\x02\x03\x04")
		}
		msg := p.end()
		m := new(dns.Msg)
		if err := m.Unpack(msg); err != nil || len(m.Answer) != len(owners) {
			t.Fatalf("%d records of %d: %v\n%x", len(m.Answer), len(owners), err, msg)
		}
		off := headerLen + len(asked) + 4
		for i, want := range owners {
			n, next, ok := readName(msg, off)
			if !ok || n != want {
				t.Fatalf("owner %d is %v (%v), want %v\n%x", i, n, ok, want, msg)
			}
			if theirs, err := zones.ParseName(m.Answer[i].Header().Name); err != nil || theirs != want {
				t.Fatalf("owner %d is %v to miekg/dns (%v), want %v", i, theirs, err, want)
			}
			if i > 0 && want == owners[i-1] && len(want.Wire()) > 1 && next != off+2 {
				t.Fatalf("owner %d is written again: %x", i, msg[off:next])
			}
			off = next + 14
		}
	}
}

func TestPack(t *testing.T) { rapid.Check(t, packLaw) }
func FuzzPack(f *testing.F) { f.Fuzz(rapid.MakeFuzz(packLaw)) }
