package seen

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/fstest"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/proto"
)

// tap makes a dnstap message of a kind; a response is one that says so (QR).
func tap(t testing.TB, kind dnstap.Message_Type, client, server netip.AddrPort, msg []byte) []byte {
	t.Helper()
	m := &dnstap.Message{
		Type: &kind, QueryAddress: client.Addr().AsSlice(), ResponseAddress: server.Addr().AsSlice(),
		QueryPort: proto.Uint32(uint32(client.Port())), ResponsePort: proto.Uint32(uint32(server.Port())),
		QueryTimeSec: proto.Uint64(uint64(noon.Unix())), QueryTimeNsec: proto.Uint32(uint32(noon.Nanosecond())),
	}
	if msg[2]&0x80 != 0 {
		m.ResponseMessage, m.ResponseTimeSec, m.ResponseTimeNsec = msg, m.QueryTimeSec, m.QueryTimeNsec
	} else {
		m.QueryMessage = msg
	}
	b, err := proto.Marshal(&dnstap.Dnstap{Type: dnstap.Dnstap_MESSAGE.Enum(), Identity: []byte("ns1"), Message: m})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frames writes a file of Frame Streams.
func frames(t testing.TB, content string, fs ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := framestream.NewWriter(&b, &framestream.WriterOptions{ContentTypes: [][]byte{[]byte(content)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if _, err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func dnstapConversation(t testing.TB) [][]byte {
	return [][]byte{
		tap(t, dnstap.Message_AUTH_QUERY, client4, server4, ask(t, 7, "Mail.BinhDinh.gov.vn.", 1)),
		tap(t, dnstap.Message_AUTH_RESPONSE, client4, server4, reply(t, 7, "Mail.BinhDinh.gov.vn.", 1, 0, "mail.binhdinh.gov.vn. 300 IN A 10.0.0.25")),
		tap(t, dnstap.Message_CLIENT_RESPONSE, client6, server6, reply(t, 8, "kho.binhdinh.gov.vn.", 28, 3)),
		tap(t, dnstap.Message_RESOLVER_QUERY, client4, server4, ask(t, 9, "vn.", 2)),
		tap(t, dnstap.Message_FORWARDER_RESPONSE, client4, server4, reply(t, 9, "vn.", 2, 0)),
	}
}

func TestDNSTap(t *testing.T) {
	b := frames(t, string(dnstap.FSContentType), dnstapConversation(t)...)
	for _, in := range [][]byte{b, zip(t, b)} {
		r := read(t, in, Options{})
		if r.Format != FormatDNSTap || r.Unit != "frame" || r.In != 5 || r.Taken != 2 || r.count(r.LeftOut, leftKind) != 2 ||
			r.count(r.LeftOut, leftResponses) != 1 || len(r.finds) > 0 {
			t.Fatalf("%+v\n%s", r.Account, r.text())
		}
		q, a, n := r.entries[0], r.entries[1], r.entries[2]
		if q.Name != name("mail.binhdinh.gov.vn") || !q.Asked || q.Client != client4.Addr() || q.Server != server4.Addr() || !q.Time.Equal(noon) || q.Answer != nil {
			t.Errorf("the question: %+v", q)
		}
		if q.At.String() != "log: frame 1" {
			t.Errorf("it stands at %s", q.At)
		}
		if a.Asked || a.Answer == nil || !a.Answer.AA || len(a.Answer.Lines()) != 1 || a.Answer.Lines()[0] != "mail.binhdinh.gov.vn. 300 A 10.0.0.25" {
			t.Errorf("its answer: %+v", a)
		}
		if !n.Asked || n.Answer == nil || n.Answer.Rcode != 3 || n.Type != 28 || n.Client != client6.Addr() {
			t.Errorf("the answer without its question: %+v", n)
		}
	}
}

func TestDNSTapServers(t *testing.T) {
	r := read(t, frames(t, string(dnstap.FSContentType), dnstapConversation(t)...), Options{Servers: []netip.Addr{server6.Addr()}})
	if r.Taken != 1 || r.count(r.LeftOut, leftServers) != 2 {
		t.Errorf("%+v", r.Account)
	}
}

func TestDNSTapTraps(t *testing.T) {
	good := tap(t, dnstap.Message_AUTH_QUERY, client4, server4, ask(t, 7, "good.vn.", 1))
	whole := frames(t, string(dnstap.FSContentType), good)
	start, stop := whole[:len(whole)-12-4-len(good)], whole[len(whole)-12:]
	frame := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	chaos := ask(t, 1, "version.bind.", 16)
	chaos[len(chaos)-12] = 3 // the class, before the eleven octets of OPT
	notify := ask(t, 1, "vn.", 6)
	notify[2] = 4 << 3
	empty, err := proto.Marshal(&dnstap.Dnstap{Type: dnstap.Dnstap_MESSAGE.Enum()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what     string
		body     []byte
		taken    int64
		why, id  string
		severity string
	}{
		{"no protobuf", frame([]byte("hello")), 2, refFrame, "Q-LINE", ""},
		{"no message", frame(empty), 2, refFrame, "Q-LINE", ""},
		{"no DNS", frame(tap(t, dnstap.Message_AUTH_QUERY, client4, server4, []byte{1, 2, 3})), 2, refMessage, "Q-LINE", ""},
		{"CHAOS", frame(tap(t, dnstap.Message_AUTH_QUERY, client4, server4, chaos)), 2, leftClass, "", ""},
		{"NOTIFY", frame(tap(t, dnstap.Message_AUTH_QUERY, client4, server4, notify)), 2, leftOpcode, "", ""},
		{"a frame longer than the limit", frame(make([]byte, 1<<18+1)), 2, refLong, "Q-LINE", ""},
		{"a frame of 4 GiB", []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}, 1, refLong, "Q-LINE", ""},
		{"a control frame of 4 GiB", []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 1, "", "Q-LIMIT", "error"},
		{"another stream behind it", append(bytes.Clone(stop), start...), 2, "", "", ""},
		{"something else behind it", append(bytes.Clone(stop), "hello, world"...), 1, "", "Q-LIMIT", "error"},
		{"the end of the file inside a frame", append(bytes.Clone(stop), 0, 0), 1, "", "Q-CUT", ""},
	} {
		b := bytes.Join([][]byte{start, frame(good), c.body, frame(good), stop}, nil)
		if c.id == "Q-CUT" {
			b = bytes.Join([][]byte{start, frame(good), c.body}, nil)
		}
		r := read(t, b, Options{})
		if r.Taken != c.taken || c.why != "" && r.count(r.LeftOut, c.why)+r.count(r.Refused, c.why) != 1 {
			t.Errorf("%s: %+v\n%s", c.what, r.Account, r.text())
		}
		switch {
		case c.id == "" && len(r.finds) > 0, c.id != "" && !r.has(c.id):
			t.Errorf("%s: want %q, got\n%s", c.what, c.id, r.text())
		case c.severity != "" && r.finds[0].Severity.String() != c.severity:
			t.Errorf("%s: %s", c.what, r.text())
		}
	}
}

func TestDNSTapCut(t *testing.T) {
	// A file that is cut anywhere: what is whole counts; the frame that ends it may
	// be the one that is cut.
	b := frames(t, string(dnstap.FSContentType), dnstapConversation(t)...)
	for n := 4; n < len(b); n++ {
		r := read(t, b[:n], Options{})
		if r.Format != FormatDNSTap || r.In > 6 || r.Taken > 2 {
			t.Fatalf("%d octets: %+v", n, r.Account)
		}
	}
}

func TestFrameStreamsOfOthers(t *testing.T) {
	r := read(t, frames(t, "protobuf:other", []byte("x")), Options{})
	if !r.has("Q-FORMAT") || r.In != 0 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
	_, fs := Read(fstest.MapFS{}, "none", Options{}, nil)
	if len(fs) != 1 || fs[0].ID != "Q-READ" {
		t.Errorf("no file: %v", fs)
	}
}
