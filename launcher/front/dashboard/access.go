package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/launcher/control"
)

// tokenBytes is the length of a token before it is encoded.
const tokenBytes = 32

// Token returns the token of the user, from a file that only the user can read.
// It creates the file if there is none, or if others could have read it.
func Token(runs control.Runs) (string, error) {
	path := filepath.Join(runs.Path(), "dashboard-token")
	token, err := readToken(path)
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errUnsafe) {
		return token, err
	}
	if err := os.MkdirAll(runs.Path(), 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(runs.Path(), "dashboard-token-*") // with mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // it never fails
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(random) + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if _, err := readToken(path); errors.Is(err, errUnsafe) {
		_ = os.Remove(path)
	}
	// The first of several processes wins. Some file systems have no links.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(f.Name(), path); err != nil {
			return "", err
		}
	}
	return readToken(path)
}

// errUnsafe is the error for a file that is not a secret of this user.
var errUnsafe = errors.New("it is not a token, or other users can read it")

func readToken(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	shared := runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
	if decoded, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(decoded) != tokenBytes || shared || !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "read", Path: path, Err: errUnsafe}
	}
	return token, nil
}

// Link is the address that signs a browser in. The token is in the fragment, which
// browsers do not send.
func Link(port int, token string) string {
	return "http://" + Host + ":" + strconv.Itoa(port) + "/#token=" + token
}

// Cookies. The first is for browsers that accept Secure on http if the host is
// this machine.
const (
	cookieSecure = "__Host-devports"
	cookiePlain  = "devports"

	cookieTime  = 30 * 24 * time.Hour
	cookieRenew = 24 * time.Hour // the age at which it is renewed
)

// cookieValue returns a cookie that is valid until a time, in s since 1970.
func cookieValue(token string, until int64) string {
	text := strconv.FormatInt(until, 10)
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("devports dashboard\x00" + text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// validCookie returns the cookie of a request, and until when it is valid; nil if
// there is none.
func (d *Dashboard) validCookie(r *http.Request) (*http.Cookie, time.Time) {
	token, err := Token(d.options.Runs)
	if err != nil {
		return nil, time.Time{}
	}
	for _, c := range r.Cookies() {
		if c.Name != cookieSecure && c.Name != cookiePlain {
			continue
		}
		text, _, _ := strings.Cut(c.Value, ".")
		until, err := strconv.ParseInt(text, 10, 64)
		if err == nil && hmac.Equal([]byte(c.Value), []byte(cookieValue(token, until))) && time.Now().Unix() < until {
			return c, time.Unix(until, 0)
		}
	}
	return nil, time.Time{}
}

func setCookie(w http.ResponseWriter, name, token string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: cookieValue(token, time.Now().Add(cookieTime).Unix()), Path: "/", MaxAge: int(cookieTime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: name == cookieSecure,
	})
}

// renewCookie renews the cookie of a request, so that a browser in use stays
// signed in.
func (d *Dashboard) renewCookie(w http.ResponseWriter, r *http.Request) {
	c, until := d.validCookie(r)
	if token, err := Token(d.options.Runs); err == nil && c != nil && time.Until(until) < cookieTime-cookieRenew {
		setCookie(w, c.Name, token)
	}
}

// session trades the token for a cookie.
func (d *Dashboard) session(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
		Plain bool   `json:"plain"`
	}
	if !decode(w, r, &body) {
		return
	}
	token, err := Token(d.options.Runs)
	if err != nil {
		fail(w, http.StatusInternalServerError, "cannot read the token: "+err.Error(), "")
		return
	}
	if !hmac.Equal([]byte(body.Token), []byte(token)) {
		fail(w, http.StatusForbidden, "the token of this link is wrong, or no longer valid", signInHint)
		return
	}
	name := cookieSecure
	if body.Plain {
		name = cookiePlain
	}
	setCookie(w, name, token)
	w.WriteHeader(http.StatusNoContent)
}

const signInHint = "devports dashboard"

// refusal is why a request is refused.
type refusal struct {
	status     int
	text, hint string
}

// refuse returns why a request below /api is refused; nil if it is not.
func (d *Dashboard) refuse(r *http.Request, path string) *refusal {
	origin, hasOrigin := r.Header["Origin"]
	site, hasSite := r.Header["Sec-Fetch-Site"]
	own := func(values []string, value string) bool { return len(values) == 1 && values[0] == value }
	switch {
	case !strings.EqualFold(r.Host, d.host()):
		return &refusal{http.StatusForbidden, "this is not the address of the dashboard", "http://" + d.host()}
	case hasOrigin && !own(origin, "http://"+d.host()), hasSite && !own(site, "same-origin"), !hasOrigin && !hasSite:
		return &refusal{http.StatusForbidden, "only the dashboard itself may do this", "http://" + d.host()}
	case !hasOrigin && (r.Method == http.MethodPost || path == "stream"):
		return &refusal{http.StatusForbidden, "the request has no Origin", "http://" + d.host()}
	case d.options.OtherUser(r):
		return &refusal{http.StatusForbidden, "this is the dashboard of another user", ""}
	case r.Method == http.MethodPost && !isJSON(r):
		return &refusal{http.StatusUnsupportedMediaType, "send application/json", ""}
	}
	if path == "session" {
		return nil
	}
	if c, _ := d.validCookie(r); c == nil {
		return &refusal{http.StatusUnauthorized, "this browser is not signed in", signInHint}
	}
	return nil
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json" && len(r.Header["Content-Type"]) == 1
}

const maxBody = 64 << 10

// decode reads the body of a request. ok is false if it responds with why it
// cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) (ok bool) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		fail(w, http.StatusBadRequest, "invalid request: "+err.Error(), "")
		return false
	}
	return true
}
