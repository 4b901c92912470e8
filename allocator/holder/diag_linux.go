package holder

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The messages of sock_diag(7), see linux/inet_diag.h: a request consists of a
// header, four bytes with the family and so on, the states, and the socket's
// address, of which this package sets only the local port. Each answer has the
// same address after four bytes.
const (
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	requestLength    = unix.SizeofNlMsghdr + 56
	answerLength     = 72
)

// receiveTimeout is for systems that do not answer. Linux answers during the
// call.
const receiveTimeout = 500 // milliseconds

// dump returns the kernel's sockets in any of states, of both families. A port
// of 0 means all.
func dump(states uint32, port int) ([]entry, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(receiveTimeout * 1e6)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	var all []entry
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := unix.Sendto(fd, request(family, states, port), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return nil, os.NewSyscallError("sendto", err)
		}
		entries, err := receive(fd)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

func request(family byte, states uint32, port int) []byte {
	b := make([]byte, requestLength)
	binary.NativeEndian.PutUint32(b, requestLength)
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := b[unix.SizeofNlMsghdr:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(body[4:], states)
	binary.BigEndian.PutUint16(body[8:], uint16(port))
	return b
}

// receive reads the answers to one request.
func receive(fd int) ([]entry, error) {
	var entries []entry
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		some, done, err := parseAnswers(buf[:n])
		if err != nil {
			return nil, err
		}
		entries = append(entries, some...)
		if done {
			return entries, nil
		}
	}
}

// parseAnswers parses a datagram; done reports whether it is the last one.
func parseAnswers(datagram []byte) (entries []entry, done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil || len(messages) == 0 {
		return nil, true, errors.Join(errAnswer, err)
	}
	for _, m := range messages {
		switch {
		case m.Header.Type == unix.NLMSG_DONE:
			return entries, true, nil
		case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
			return nil, true, os.NewSyscallError("sock_diag", syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data))))
		case m.Header.Type != sockDiagByFamily || len(m.Data) < answerLength:
			return nil, true, errAnswer
		}
		entries = append(entries, parseAnswer(m.Data))
	}
	return entries, false, nil
}

var errAnswer = errors.New("sock_diag: unexpected answer")

// parseAnswer parses an inet_diag_msg.
func parseAnswer(b []byte) entry {
	addr := func(at int) netip.Addr {
		if b[0] == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b[at:]))
		}
		return netip.AddrFrom16([16]byte(b[at:])).Unmap()
	}
	number := func(at int) string { return strconv.FormatUint(uint64(binary.NativeEndian.Uint32(b[at:])), 10) }
	return entry{
		state:  state(b[1]),
		local:  netip.AddrPortFrom(addr(8), binary.BigEndian.Uint16(b[4:])),
		remote: netip.AddrPortFrom(addr(24), binary.BigEndian.Uint16(b[6:])),
		cookie: binary.NativeEndian.Uint64(b[44:]),
		uid:    number(64), inode: number(68),
		v6only: attribute(b[answerLength:], skV6Only) != 0,
	}
}

// skV6Only is INET_DIAG_SKV6ONLY, which listening IPv6 sockets have.
const skV6Only = 11

// attribute returns the first byte of an attribute, a struct nlattr; 0 if it is
// missing.
func attribute(b []byte, wanted uint16) byte {
	for len(b) > unix.SizeofNlAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofNlAttr {
			break
		}
		if length > unix.SizeofNlAttr && binary.NativeEndian.Uint16(b[2:]) == wanted {
			return b[unix.SizeofNlAttr]
		}
		b = b[min(len(b), (length+3)&^3):]
	}
	return 0
}
