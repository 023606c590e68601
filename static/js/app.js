/* Dockbell: small conveniences on top of plain HTML. Every page works without this file. */
(() => {
  'use strict';
  const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement;

  // Theme: the form posts and the server writes the cookie and <html data-theme>; here we only skip the reload.
  document.addEventListener('submit', e => {
    if (!e.target.matches('[data-theme-form]') || !e.submitter) return;
    e.preventDefault();
    const theme = e.submitter.value;
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    $$('[data-theme-form] button').forEach(b => b.setAttribute('aria-pressed', String(b.value === theme)));
    e.target.hidePopover?.();
    fetch(e.target.action, { method: 'POST', body: new URLSearchParams({ theme }), redirect: 'manual' });
  });

  // Selection drives the command bar.
  const select = () => {
    const n = $$('.pick:checked').length, bar = $('[data-cmdbar]');
    if (!bar) return;
    $$('[data-needs]', bar).forEach(b => {
      const ok = b.dataset.needs === 'one' ? n === 1 : n > 0;
      if (ok) b.removeAttribute('aria-disabled'); else b.setAttribute('aria-disabled', 'true');
    });
    const out = $('[data-selcount]', bar);
    if (out) out.textContent = n ? `${n} selected` : '';
  };
  document.addEventListener('change', e => { if (e.target.matches('.pick')) select(); });

  // A panel or dialog takes the focus when it arrives and gives it back when it leaves.
  let opener = null, shown = null;
  const overlay = () => {
    const d = $('#overlay dialog');
    $$('[data-behind]').forEach(el => { el.inert = Boolean(d); });
    if (d === shown) return;
    if (d) ($('#err-sum', d) || $('[autofocus]', d) || $('input, textarea, select, button', d))?.focus();
    else if (shown) (opener?.isConnected ? opener : $('#main'))?.focus();
    shown = d;
  };
  const close = link => {
    $('#overlay').replaceChildren();
    history.pushState({}, '', link.href);
    overlay();
  };

  document.addEventListener('click', e => {
    const b = e.target.closest('[aria-disabled="true"],[data-copy],[data-dismiss],[data-close],[data-secret],[hx-target="#overlay"]');
    if (!b) return;
    if (b.getAttribute('aria-disabled') === 'true') { e.preventDefault(); e.stopPropagation(); return; }
    if ('dismiss' in b.dataset) b.closest('.toast').remove();
    if ('copy' in b.dataset) copy(b);
    if ('secret' in b.dataset) reveal(b);
    if ('close' in b.dataset && !e.ctrlKey && !e.metaKey) { e.preventDefault(); close(b); return; }
    if (b.getAttribute('hx-target') === '#overlay' && !b.closest('#overlay')) opener = b;
  }, true);

  // copy takes the text named by data-copy, else that of the code element beside the button.
  const copy = b => {
    const text = b.dataset.copy || ($('code', b.parentElement) || b.parentElement).textContent.trim();
    navigator.clipboard?.writeText(text).then(() => {
      const said = b.getAttribute('aria-label');
      b.setAttribute('aria-label', 'Copied');
      b.classList.add('done');
      setTimeout(() => { b.setAttribute('aria-label', said); b.classList.remove('done'); }, 1500);
    });
  };
  const reveal = b => {
    const f = document.getElementById(b.dataset.secret), hidden = f.type === 'password';
    f.type = hidden ? 'text' : 'password';
    b.setAttribute('aria-pressed', String(hidden));
  };

  // A success leaves by itself after 8 s, but not while somebody reads it; errors stay.
  const toasts = () => $$('.toast.ok:not([data-timed])').forEach(t => {
    t.dataset.timed = '';
    const leave = () => { if (t.matches(':hover, :focus-within')) setTimeout(leave, 2000); else t.remove(); };
    setTimeout(leave, 8000);
  });

  // Single-key shortcuts; <html data-keys="off"> turns them off (WCAG 2.1.4).
  document.addEventListener('keydown', e => {
    if (e.key === 'Escape') { $('#overlay [data-close]')?.click(); return; }
    if (root.dataset.keys === 'off' || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.closest('input:not([type=checkbox],[type=radio]),select,textarea') || $('dialog[open]')) return;
    const t = $(`[aria-keyshortcuts="${CSS.escape(e.key)}"]`);
    if (!t) return;
    e.preventDefault();
    if (t.matches('input')) t.focus(); else t.click();
  });

  // Going back to a page whose address had a panel needs the page itself.
  window.addEventListener('popstate', () => location.reload());

  const settle = () => { select(); overlay(); toasts(); };
  document.addEventListener('htmx:after:swap', settle);
  settle();
})();
