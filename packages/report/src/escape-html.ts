const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for an element or a quoted attribute. Control characters, which no document may carry, become U+FFFD. */
export const escapeHtml = (text: string): string =>
  text
    .replaceAll(/[&<>"']/g, (found) => entities[found] ?? found)
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
