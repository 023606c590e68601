package web

import (
	"net"
	"net/netip"

	"github.com/labstack/echo/v4"
)

// clientAddress believes X-Forwarded-For from trusted proxies alone; everybody else is who the connection says.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	return echo.ExtractIPFromXFFHeader(trust(trusted)...)
}

// clientScheme believes X-Forwarded-Proto from trusted proxies alone.
func clientScheme(trusted []netip.Prefix) echo.SchemeExtractor {
	if len(trusted) == 0 {
		return echo.ExtractSchemeDirect()
	}
	return echo.ExtractSchemeFromHeaders(trust(trusted)...)
}

// trust is exactly the list: Echo's own trust in loopback and private networks is switched off.
func trust(trusted []netip.Prefix) []echo.TrustOption {
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(ipNet(p)))
	}
	return options
}

// ipNet is a prefix in the older form that Echo takes.
func ipNet(p netip.Prefix) *net.IPNet {
	p = p.Masked()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
