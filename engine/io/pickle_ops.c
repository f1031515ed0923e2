/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle_ops.c: what each opcode does. None of them calls anything that the
 * pickle names. */

#include "engine/io/pickle_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define MAX_MEMO 1000000
#define MAX_STRING 4096
#define MAX_LINE 128

static guint32
le32 (const guint8 *p)
{
  return (guint32) p[0] | (guint32) p[1] << 8 | (guint32) p[2] << 16
         | (guint32) p[3] << 24;
}

/* ------------------------------------------------------------- values -- */

static gboolean
push_new (D2vPickleMachine *m, D2vPickleKind kind, GError **error)
{
  D2vPickleNode *node = d2v_pickle_new_node (m, kind, error);

  return node != NULL && d2v_pickle_push (m, node, error);
}

static gboolean
push_integer (D2vPickleMachine *m, D2vPickleKind kind, gint64 value,
              GError **error)
{
  D2vPickleNode *node = d2v_pickle_new_node (m, kind, error);

  if (node == NULL)
    return FALSE;
  node->integer = value;
  return d2v_pickle_push (m, node, error);
}

/* Little-endian, signed if @sign. */
static gboolean
op_integer (D2vPickleMachine *m, gsize n, gboolean sign, GError **error)
{
  const guint8 *p = d2v_pickle_take (m, n, error);
  guint64 value = 0;

  if (p == NULL)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    value |= (guint64) p[i] << 8 * i;
  if (sign && n > 0 && n < 8 && (p[n - 1] & 0x80) != 0)
    value |= ~(guint64) 0 << 8 * n;
  return push_integer (m, D2V_PICKLE_INTEGER, (gint64) value, error);
}

static gboolean
op_long (D2vPickleMachine *m, GError **error)
{
  const guint8 *n = d2v_pickle_take (m, 1, error);

  if (n == NULL)
    return FALSE;
  if (*n > 8)
    return d2v_pickle_fail_limit (m, "an integer of at most 8 bytes", error);
  return op_integer (m, *n, TRUE, error);
}

static gboolean
op_real (D2vPickleMachine *m, GError **error)
{
  const guint8 *p = d2v_pickle_take (m, 8, error);
  guint64 bits;

  if (p == NULL)
    return FALSE;
  D2vPickleNode *node = d2v_pickle_new_node (m, D2V_PICKLE_REAL, error);
  if (node == NULL)
    return FALSE;
  memcpy (&bits, p, sizeof bits);
  bits = GUINT64_FROM_BE (bits);
  memcpy (&node->real, &bits, sizeof bits);
  return d2v_pickle_push (m, node, error);
}

static gboolean
push_text (D2vPickleMachine *m, D2vPickleKind kind, gsize n, GError **error)
{
  const guint8 *text = d2v_pickle_take (m, n, error);

  if (text == NULL)
    return FALSE;
  if (kind == D2V_PICKLE_STRING
      && !g_utf8_validate_len ((const gchar *) text, n, NULL))
    return d2v_pickle_fail_structure (m, "a string in UTF-8 without NUL",
                                      error);
  D2vPickleNode *node = d2v_pickle_new_node (m, kind, error);
  if (node == NULL)
    return FALSE;
  node->text = (const gchar *) text;
  node->n = (guint) n;
  return d2v_pickle_push (m, node, error);
}

static gboolean
op_string (D2vPickleMachine *m, GError **error)
{
  const guint8 *n = d2v_pickle_take (m, 4, error);

  if (n == NULL)
    return FALSE;
  if (le32 (n) > MAX_STRING)
    return d2v_pickle_fail_limit (m, "a string of at most 4096 bytes", error);
  return push_text (m, D2V_PICKLE_STRING, le32 (n), error);
}

static gboolean
op_bytes (D2vPickleMachine *m, GError **error)
{
  const guint8 *n = d2v_pickle_take (m, 1, error);

  return n != NULL && push_text (m, D2V_PICKLE_BYTES, *n, error);
}

/* ------------------------------------------------------------ globals -- */

/* One line of ASCII without its end. */
static const gchar *
take_line (D2vPickleMachine *m, gsize *length, GError **error)
{
  const gchar *line = (const gchar *) m->bytes + m->position;
  gsize left = d2v_min (m->length - m->position, MAX_LINE + 1);
  const gchar *end = left > 0 ? memchr (line, '\n', left) : NULL;

  if (end == NULL)
    {
      d2v_pickle_fail (m, D2V_ERROR_PKL_GLOBAL, "a name of at most 128 bytes",
                       error);
      return NULL;
    }
  *length = (gsize) (end - line);
  m->position += *length + 1;
  return line;
}

static gboolean
op_global (D2vPickleMachine *m, GError **error)
{
  gsize n_module, n_name;
  const gchar *module = take_line (m, &n_module, error);
  const gchar *name = module != NULL ? take_line (m, &n_name, error) : NULL;

  if (name == NULL)
    return FALSE;
  D2vPickleNode *node = d2v_pickle_new_node (m, D2V_PICKLE_GLOBAL, error);
  if (node == NULL)
    return FALSE;
  if (d2v_pickle_find_global (module, n_module, name, n_name,
                              &node->global.name, &node->global.dtype))
    return d2v_pickle_push (m, node, error);
  g_autofree gchar *shown_module = d2v_escape_name (module, (gssize) n_module);
  g_autofree gchar *shown_name = d2v_escape_name (name, (gssize) n_name);
  return d2v_fail (error, D2V_ERROR_PKL_GLOBAL, m->where,
                   "expected what a state dict of plain tensors needs, found "
                   "%s.%s at byte %" G_GSIZE_FORMAT " of the pickle (P)",
                   shown_module, shown_name, m->at);
}

/* A call is only written down, but for the empty dict, which is one. */
static gboolean
op_reduce (D2vPickleMachine *m, GError **error)
{
  D2vPickleNode **pair = d2v_pickle_pop (m, 2, error);

  if (pair == NULL)
    return FALSE;
  if (pair[0]->kind != D2V_PICKLE_GLOBAL
      || pair[0]->global.name == D2V_GLOBAL_STORAGE
      || pair[1]->kind != D2V_PICKLE_TUPLE)
    return d2v_pickle_fail_structure (m, "a name to call with a tuple", error);
  if (pair[0]->global.name != D2V_GLOBAL_ORDERED_DICT)
    {
      D2vPickleNode *call = d2v_pickle_new_node (m, D2V_PICKLE_CALL, error);
      return call != NULL && d2v_pickle_fill_items (m, call, pair, 2, error)
             && d2v_pickle_push (m, call, error);
    }
  if (pair[1]->n != 0)
    return d2v_pickle_fail_structure (m, "an OrderedDict that begins empty",
                                      error);
  D2vPickleNode *dict = d2v_pickle_new_node (m, D2V_PICKLE_DICT, error);
  if (dict == NULL)
    return FALSE;
  dict->ordered = TRUE;
  return d2v_pickle_push (m, dict, error);
}

/* The attributes of a state dict, `_metadata`, say nothing of its tensors. */
static gboolean
op_build (D2vPickleMachine *m, GError **error)
{
  D2vPickleNode **pair = d2v_pickle_pop (m, 2, error);

  if (pair == NULL)
    return FALSE;
  if (pair[0]->kind != D2V_PICKLE_DICT || !pair[0]->ordered
      || pair[1]->kind != D2V_PICKLE_DICT)
    return d2v_pickle_fail_structure (
        m, "an OrderedDict and a dict to build from", error);
  return d2v_pickle_push (m, pair[0], error);
}

static gboolean
op_persistent (D2vPickleMachine *m, GError **error)
{
  D2vPickleNode **id = d2v_pickle_pop (m, 1, error);

  if (id == NULL)
    return FALSE;
  if (id[0]->kind != D2V_PICKLE_TUPLE || id[0]->n != 5)
    return d2v_pickle_fail (m, D2V_ERROR_PKL_STORAGE,
                            "a tuple of 5 as persistent id", error);
  D2vPickleNode *node = d2v_pickle_new_node (m, D2V_PICKLE_PERSISTENT, error);
  return node != NULL && d2v_pickle_fill_items (m, node, id, 1, error)
         && d2v_pickle_push (m, node, error);
}

/* --------------------------------------------------------- containers -- */

static gboolean
op_mark (D2vPickleMachine *m, GError **error)
{
  if (m->n_marks == D2V_PICKLE_MAX_MARKS)
    return d2v_pickle_fail_limit (m, "at most 4096 marks", error);
  m->marks[m->n_marks++] = m->n_stack;
  return TRUE;
}

static gboolean
push_tuple (D2vPickleMachine *m, D2vPickleNode *const *items, guint n,
            GError **error)
{
  D2vPickleNode *tuple
      = items != NULL ? d2v_pickle_new_node (m, D2V_PICKLE_TUPLE, error) : NULL;

  return tuple != NULL && d2v_pickle_fill_items (m, tuple, items, n, error)
         && d2v_pickle_push (m, tuple, error);
}

static gboolean
op_tuple_to_mark (D2vPickleMachine *m, GError **error)
{
  guint n = 0;
  D2vPickleNode **items = d2v_pickle_pop_to_mark (m, &n, error);

  return push_tuple (m, items, n, error);
}

/* The container on top of the stack. */
static D2vPickleNode *
target (D2vPickleMachine *m, D2vPickleKind kind, GError **error)
{
  if (m->n_stack > d2v_pickle_floor (m)
      && m->stack[m->n_stack - 1]->kind == kind)
    return m->stack[m->n_stack - 1];
  d2v_pickle_fail_structure (
      m, kind == D2V_PICKLE_DICT ? "a dict to add to" : "a list to add to",
      error);
  return NULL;
}

static gboolean
add_to_dict (D2vPickleMachine *m, D2vPickleNode *const *items, guint n,
             GError **error)
{
  D2vPickleNode *dict
      = items != NULL ? target (m, D2V_PICKLE_DICT, error) : NULL;

  if (dict == NULL)
    return FALSE;
  if (n % 2 != 0)
    return d2v_pickle_fail_structure (m, "a value for each key", error);
  for (guint i = 0; i < n; i++)
    if (!d2v_pickle_append_item (m, dict, items[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
add_to_list (D2vPickleMachine *m, D2vPickleNode *const *items, guint n,
             GError **error)
{
  D2vPickleNode *list
      = items != NULL ? target (m, D2V_PICKLE_LIST, error) : NULL;

  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      if (items[i]->kind == D2V_PICKLE_CALL
          || items[i]->kind == D2V_PICKLE_PERSISTENT)
        return d2v_pickle_fail_structure (m, "a list without tensors", error);
      if (!d2v_pickle_append_item (m, list, items[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_to_mark (D2vPickleMachine *m,
             gboolean (*add) (D2vPickleMachine *, D2vPickleNode *const *, guint,
                              GError **),
             GError **error)
{
  guint n = 0;
  D2vPickleNode **items = d2v_pickle_pop_to_mark (m, &n, error);

  return items != NULL && add (m, items, n, error);
}

/* --------------------------------------------------------------- memo -- */

static gboolean
op_put (D2vPickleMachine *m, gsize n, GError **error)
{
  const guint8 *p = d2v_pickle_take (m, n, error);

  if (p == NULL)
    return FALSE;
  guint32 index = n == 1 ? *p : le32 (p);
  if (index > MAX_MEMO)
    return d2v_pickle_fail_limit (m, "a memo index of at most 1000000", error);
  if (m->n_stack == d2v_pickle_floor (m))
    return d2v_pickle_fail_structure (m, "enough on the stack", error);
  g_hash_table_insert (m->memo, GUINT_TO_POINTER (index),
                       m->stack[m->n_stack - 1]);
  return TRUE;
}

static gboolean
op_get (D2vPickleMachine *m, gsize n, GError **error)
{
  const guint8 *p = d2v_pickle_take (m, n, error);

  if (p == NULL)
    return FALSE;
  guint32 index = n == 1 ? *p : le32 (p);
  D2vPickleNode *node = g_hash_table_lookup (m->memo, GUINT_TO_POINTER (index));
  if (node == NULL)
    return d2v_pickle_fail_structure (m, "a memo index that was put before",
                                      error);
  return d2v_pickle_push (m, node, error);
}

/* ---------------------------------------------------------- the machine -- */

static gboolean
op_protocol (D2vPickleMachine *m, GError **error)
{
  const guint8 *version = d2v_pickle_take (m, 1, error);

  if (version == NULL)
    return FALSE;
  if (m->at != 0 || (*version != 2 && *version != 3))
    return d2v_pickle_fail (m, D2V_ERROR_PKL_OPCODE,
                            "protocol 2, once, at the beginning", error);
  return TRUE;
}

static gboolean
op_stop (D2vPickleMachine *m, GError **error)
{
  gboolean unique;

  if (m->position != m->length || m->n_stack != 1 || m->n_marks != 0)
    return d2v_pickle_fail_structure (
        m, "STOP as the last byte, with one node left", error);
  m->stopped = TRUE;
  m->pickle->root = m->stack[0];
  if (!d2v_pickle_keys_are_unique (m->pickle, &unique))
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, m->where,
                     "to compare the keys of the pickle");
  return unique
         || d2v_pickle_fail_structure (
             m, "each key of a dict once, before STOP", error);
}

static gboolean
fail_opcode (D2vPickleMachine *m, guint8 opcode, GError **error)
{
  return d2v_fail (error, D2V_ERROR_PKL_OPCODE, m->where,
                   "expected an opcode of a state dict, found 0x%02x at byte "
                   "%" G_GSIZE_FORMAT " of the pickle (P)",
                   opcode, m->at);
}

gboolean
d2v_pickle_execute (D2vPickleMachine *m, guint8 opcode, GError **error)
{
  switch (opcode)
    {
    case 0x80: /* PROTO */
      return op_protocol (m, error);
    case 'c': /* GLOBAL */
      return op_global (m, error);
    case 'R': /* REDUCE */
      return op_reduce (m, error);
    case 'b': /* BUILD */
      return op_build (m, error);
    case 'Q': /* BINPERSID */
      return op_persistent (m, error);
    case '(': /* MARK */
      return op_mark (m, error);
    case 't': /* TUPLE */
      return op_tuple_to_mark (m, error);
    case ')': /* EMPTY_TUPLE */
      return push_new (m, D2V_PICKLE_TUPLE, error);
    case 0x85: /* TUPLE1 */
    case 0x86: /* TUPLE2 */
    case 0x87: /* TUPLE3 */
      return push_tuple (m, d2v_pickle_pop (m, opcode - 0x84, error),
                         opcode - 0x84, error);
    case '}': /* EMPTY_DICT */
      return push_new (m, D2V_PICKLE_DICT, error);
    case 's': /* SETITEM */
      return add_to_dict (m, d2v_pickle_pop (m, 2, error), 2, error);
    case 'u': /* SETITEMS */
      return add_to_mark (m, add_to_dict, error);
    case ']': /* EMPTY_LIST */
      return push_new (m, D2V_PICKLE_LIST, error);
    case 'a': /* APPEND */
      return add_to_list (m, d2v_pickle_pop (m, 1, error), 1, error);
    case 'e': /* APPENDS */
      return add_to_mark (m, add_to_list, error);
    case 'X': /* BINUNICODE */
      return op_string (m, error);
    case 'U': /* SHORT_BINSTRING */
      return op_bytes (m, error);
    case 'J': /* BININT */
      return op_integer (m, 4, TRUE, error);
    case 'K': /* BININT1 */
      return op_integer (m, 1, FALSE, error);
    case 'M': /* BININT2 */
      return op_integer (m, 2, FALSE, error);
    case 0x8a: /* LONG1 */
      return op_long (m, error);
    case 'G': /* BINFLOAT */
      return op_real (m, error);
    case 'N': /* NONE */
      return push_new (m, D2V_PICKLE_NONE, error);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
      return push_integer (m, D2V_PICKLE_BOOL, opcode == 0x88, error);
    case 'q': /* BINPUT */
      return op_put (m, 1, error);
    case 'r': /* LONG_BINPUT */
      return op_put (m, 4, error);
    case 'h': /* BINGET */
      return op_get (m, 1, error);
    case 'j': /* LONG_BINGET */
      return op_get (m, 4, error);
    case '.': /* STOP */
      return op_stop (m, error);
    default:
      return fail_opcode (m, opcode, error);
    }
}
