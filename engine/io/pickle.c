/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle.c: the machine, one function for each opcode. */

#include "engine/io/pickle_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define MAX_BYTES ((gsize) 64 << 20)
#define MAX_OPERATIONS 4000000
#define MAX_STACK 65536
#define MAX_MARKS 4096
#define MAX_NODES 2000000
#define MAX_NODE_BYTES ((gsize) 128 << 20)
#define MAX_DEPTH 64
#define MAX_MEMO 1000000
#define MAX_STRING 4096
#define MAX_LINE 128
/* So that a small file cannot ask for much: what any real one needs, and
 * more. */
#define FREE_NODE_BYTES ((gsize) 16 << 20)
#define NODE_BYTES_PER_BYTE 8

typedef struct
{
  D2vPickle *pickle;
  const guint8 *bytes;
  gsize length, position;
  gsize at; /* of the current opcode */
  const gchar *where;
  D2vPickleNode **stack;
  guint n_stack;
  guint *marks; /* heights of the stack */
  guint n_marks;
  GHashTable *memo; /* sparse: an index never sizes anything */
  guint n_nodes;
  gboolean stopped;
} Machine;

/* ------------------------------------------------------------- errors -- */

static gboolean
fail (Machine *m, D2vErrorCode code, const gchar *expected, GError **error)
{
  return d2v_fail (error, code, m->where,
                   "expected %s at byte %" G_GSIZE_FORMAT " of the pickle (P)",
                   expected, m->at);
}

static gboolean
fail_structure (Machine *m, const gchar *expected, GError **error)
{
  return fail (m, D2V_ERROR_PKL_STRUCTURE, expected, error);
}

static gboolean
fail_limit (Machine *m, const gchar *expected, GError **error)
{
  return fail (m, D2V_ERROR_PKL_LIMIT, expected, error);
}

/* ----------------------------------------------------- bytes and nodes -- */

/* NULL when there are fewer than @n left. */
static const guint8 *
take (Machine *m, gsize n, GError **error)
{
  if (n > m->length - m->position)
    {
      fail_structure (m, "an opcode with all of its argument", error);
      return NULL;
    }
  m->position += n;
  return m->bytes + m->position - n;
}

static guint32
le32 (const guint8 *p)
{
  return (guint32) p[0] | (guint32) p[1] << 8 | (guint32) p[2] << 16
         | (guint32) p[3] << 24;
}

static gpointer
take_memory (Machine *m, gsize n_bytes, GError **error)
{
  gpointer memory = d2v_pickle_arena_take (&m->pickle->arena, n_bytes);

  if (memory == NULL)
    fail_limit (m, "nodes of fewer bytes, by the pickle's length", error);
  return memory;
}

static D2vPickleNode *
new_node (Machine *m, D2vPickleKind kind, GError **error)
{
  if (m->n_nodes == MAX_NODES)
    {
      fail_limit (m, "at most 2000000 nodes", error);
      return NULL;
    }
  m->n_nodes++;
  D2vPickleNode *node = take_memory (m, sizeof *node, error);
  if (node == NULL)
    return NULL;
  node->kind = kind;
  if (kind == D2V_PICKLE_DICT)
    {
      node->next_dict = m->pickle->dicts;
      m->pickle->dicts = node;
    }
  return node;
}

static gboolean
push (Machine *m, D2vPickleNode *node, GError **error)
{
  if (m->n_stack == MAX_STACK)
    return fail_limit (m, "a stack of at most 65536 nodes", error);
  m->stack[m->n_stack++] = node;
  return TRUE;
}

/* Nothing below an open mark may be taken. */
static guint
floor_of (const Machine *m)
{
  return m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0;
}

/* The @n topmost, which stay in memory above the new top; NULL when there are
 * fewer. */
static D2vPickleNode **
pop (Machine *m, guint n, GError **error)
{
  if (m->n_stack - floor_of (m) < n)
    {
      fail_structure (m, "enough on the stack", error);
      return NULL;
    }
  m->n_stack -= n;
  return m->stack + m->n_stack;
}

/* Everything above the latest mark. */
static D2vPickleNode **
pop_to_mark (Machine *m, guint *n, GError **error)
{
  if (m->n_marks == 0)
    {
      fail_structure (m, "a mark", error);
      return NULL;
    }
  guint begin = m->marks[--m->n_marks];
  *n = m->n_stack - begin;
  m->n_stack = begin;
  return m->stack + begin;
}

static gboolean
include_depth (Machine *m, D2vPickleNode *node, const D2vPickleNode *inner,
               GError **error)
{
  if (inner->depth >= MAX_DEPTH)
    return fail_limit (m, "nesting of at most 64", error);
  node->depth = MAX (node->depth, inner->depth + 1);
  return TRUE;
}

static gboolean
fill_items (Machine *m, D2vPickleNode *node, D2vPickleNode *const *items,
            guint n, GError **error)
{
  if (n == 0)
    return TRUE;
  node->items = take_memory (m, n * sizeof *items, error);
  if (node->items == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!include_depth (m, node, items[i], error))
      return FALSE;
  memcpy (node->items, items, n * sizeof *items);
  node->n = node->room = n;
  return TRUE;
}

static gboolean
append_item (Machine *m, D2vPickleNode *node, D2vPickleNode *item,
             GError **error)
{
  if (node->n == node->room)
    {
      guint room = MAX (4, 2 * node->room);
      D2vPickleNode **items = take_memory (m, room * sizeof *items, error);
      if (items == NULL)
        return FALSE;
      if (node->n > 0)
        memcpy (items, node->items, node->n * sizeof *items);
      node->items = items;
      node->room = room;
    }
  node->items[node->n++] = item;
  return include_depth (m, node, item, error);
}

/* ------------------------------------------------------------- values -- */

static gboolean
push_new (Machine *m, D2vPickleKind kind, GError **error)
{
  D2vPickleNode *node = new_node (m, kind, error);

  return node != NULL && push (m, node, error);
}

static gboolean
push_integer (Machine *m, D2vPickleKind kind, gint64 value, GError **error)
{
  D2vPickleNode *node = new_node (m, kind, error);

  if (node == NULL)
    return FALSE;
  node->integer = value;
  return push (m, node, error);
}

/* Little-endian, signed if @sign. */
static gboolean
op_integer (Machine *m, gsize n, gboolean sign, GError **error)
{
  const guint8 *p = take (m, n, error);
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
op_long (Machine *m, GError **error)
{
  const guint8 *n = take (m, 1, error);

  if (n == NULL)
    return FALSE;
  if (*n > 8)
    return fail_limit (m, "an integer of at most 8 bytes", error);
  return op_integer (m, *n, TRUE, error);
}

static gboolean
op_real (Machine *m, GError **error)
{
  const guint8 *p = take (m, 8, error);
  guint64 bits;

  if (p == NULL)
    return FALSE;
  D2vPickleNode *node = new_node (m, D2V_PICKLE_REAL, error);
  if (node == NULL)
    return FALSE;
  memcpy (&bits, p, sizeof bits);
  bits = GUINT64_FROM_BE (bits);
  memcpy (&node->real, &bits, sizeof bits);
  return push (m, node, error);
}

static gboolean
push_text (Machine *m, D2vPickleKind kind, gsize n, GError **error)
{
  const guint8 *text = take (m, n, error);

  if (text == NULL)
    return FALSE;
  if (kind == D2V_PICKLE_STRING
      && !g_utf8_validate_len ((const gchar *) text, n, NULL))
    return fail_structure (m, "a string in UTF-8 without NUL", error);
  D2vPickleNode *node = new_node (m, kind, error);
  if (node == NULL)
    return FALSE;
  node->text = (const gchar *) text;
  node->n = (guint) n;
  return push (m, node, error);
}

static gboolean
op_string (Machine *m, GError **error)
{
  const guint8 *n = take (m, 4, error);

  if (n == NULL)
    return FALSE;
  if (le32 (n) > MAX_STRING)
    return fail_limit (m, "a string of at most 4096 bytes", error);
  return push_text (m, D2V_PICKLE_STRING, le32 (n), error);
}

static gboolean
op_bytes (Machine *m, GError **error)
{
  const guint8 *n = take (m, 1, error);

  return n != NULL && push_text (m, D2V_PICKLE_BYTES, *n, error);
}

/* ------------------------------------------------------------ globals -- */

/* One line of ASCII without its end. */
static const gchar *
take_line (Machine *m, gsize *length, GError **error)
{
  const gchar *line = (const gchar *) m->bytes + m->position;
  gsize left = d2v_min (m->length - m->position, MAX_LINE + 1);
  const gchar *end = left > 0 ? memchr (line, '\n', left) : NULL;

  if (end == NULL)
    {
      fail (m, D2V_ERROR_PKL_GLOBAL, "a name of at most 128 bytes", error);
      return NULL;
    }
  *length = (gsize) (end - line);
  m->position += *length + 1;
  return line;
}

static gboolean
op_global (Machine *m, GError **error)
{
  gsize n_module, n_name;
  const gchar *module = take_line (m, &n_module, error);
  const gchar *name = module != NULL ? take_line (m, &n_name, error) : NULL;

  if (name == NULL)
    return FALSE;
  D2vPickleNode *node = new_node (m, D2V_PICKLE_GLOBAL, error);
  if (node == NULL)
    return FALSE;
  if (d2v_pickle_find_global (module, n_module, name, n_name,
                              &node->global.name, &node->global.dtype))
    return push (m, node, error);
  g_autofree gchar *shown_module = d2v_escape_name (module, (gssize) n_module);
  g_autofree gchar *shown_name = d2v_escape_name (name, (gssize) n_name);
  return d2v_fail (error, D2V_ERROR_PKL_GLOBAL, m->where,
                   "expected what a state dict of plain tensors needs, found "
                   "%s.%s at byte %" G_GSIZE_FORMAT " of the pickle (P)",
                   shown_module, shown_name, m->at);
}

/* A call is only written down, but for the empty dict, which is one. */
static gboolean
op_reduce (Machine *m, GError **error)
{
  D2vPickleNode **pair = pop (m, 2, error);

  if (pair == NULL)
    return FALSE;
  if (pair[0]->kind != D2V_PICKLE_GLOBAL
      || pair[0]->global.name == D2V_GLOBAL_STORAGE
      || pair[1]->kind != D2V_PICKLE_TUPLE)
    return fail_structure (m, "a name to call with a tuple", error);
  if (pair[0]->global.name != D2V_GLOBAL_ORDERED_DICT)
    {
      D2vPickleNode *call = new_node (m, D2V_PICKLE_CALL, error);
      return call != NULL && fill_items (m, call, pair, 2, error)
             && push (m, call, error);
    }
  if (pair[1]->n != 0)
    return fail_structure (m, "an OrderedDict that begins empty", error);
  D2vPickleNode *dict = new_node (m, D2V_PICKLE_DICT, error);
  if (dict == NULL)
    return FALSE;
  dict->ordered = TRUE;
  return push (m, dict, error);
}

/* The attributes of a state dict, `_metadata`, say nothing of its tensors. */
static gboolean
op_build (Machine *m, GError **error)
{
  D2vPickleNode **pair = pop (m, 2, error);

  if (pair == NULL)
    return FALSE;
  if (pair[0]->kind != D2V_PICKLE_DICT || !pair[0]->ordered
      || pair[1]->kind != D2V_PICKLE_DICT)
    return fail_structure (m, "an OrderedDict and a dict to build from", error);
  return push (m, pair[0], error);
}

static gboolean
op_persistent (Machine *m, GError **error)
{
  D2vPickleNode **id = pop (m, 1, error);

  if (id == NULL)
    return FALSE;
  if (id[0]->kind != D2V_PICKLE_TUPLE || id[0]->n != 5)
    return fail (m, D2V_ERROR_PKL_STORAGE, "a tuple of 5 as persistent id",
                 error);
  D2vPickleNode *node = new_node (m, D2V_PICKLE_PERSISTENT, error);
  return node != NULL && fill_items (m, node, id, 1, error)
         && push (m, node, error);
}

/* --------------------------------------------------------- containers -- */

static gboolean
op_mark (Machine *m, GError **error)
{
  if (m->n_marks == MAX_MARKS)
    return fail_limit (m, "at most 4096 marks", error);
  m->marks[m->n_marks++] = m->n_stack;
  return TRUE;
}

static gboolean
push_tuple (Machine *m, D2vPickleNode *const *items, guint n, GError **error)
{
  D2vPickleNode *tuple
      = items != NULL ? new_node (m, D2V_PICKLE_TUPLE, error) : NULL;

  return tuple != NULL && fill_items (m, tuple, items, n, error)
         && push (m, tuple, error);
}

static gboolean
op_tuple_to_mark (Machine *m, GError **error)
{
  guint n = 0;
  D2vPickleNode **items = pop_to_mark (m, &n, error);

  return push_tuple (m, items, n, error);
}

/* The container on top of the stack. */
static D2vPickleNode *
target (Machine *m, D2vPickleKind kind, GError **error)
{
  if (m->n_stack > floor_of (m) && m->stack[m->n_stack - 1]->kind == kind)
    return m->stack[m->n_stack - 1];
  fail_structure (
      m, kind == D2V_PICKLE_DICT ? "a dict to add to" : "a list to add to",
      error);
  return NULL;
}

static gboolean
add_to_dict (Machine *m, D2vPickleNode *const *items, guint n, GError **error)
{
  D2vPickleNode *dict
      = items != NULL ? target (m, D2V_PICKLE_DICT, error) : NULL;

  if (dict == NULL)
    return FALSE;
  if (n % 2 != 0)
    return fail_structure (m, "a value for each key", error);
  for (guint i = 0; i < n; i++)
    if (!append_item (m, dict, items[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
add_to_list (Machine *m, D2vPickleNode *const *items, guint n, GError **error)
{
  D2vPickleNode *list
      = items != NULL ? target (m, D2V_PICKLE_LIST, error) : NULL;

  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      if (items[i]->kind == D2V_PICKLE_CALL
          || items[i]->kind == D2V_PICKLE_PERSISTENT)
        return fail_structure (m, "a list without tensors", error);
      if (!append_item (m, list, items[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_to_mark (Machine *m,
             gboolean (*add) (Machine *, D2vPickleNode *const *, guint,
                              GError **),
             GError **error)
{
  guint n = 0;
  D2vPickleNode **items = pop_to_mark (m, &n, error);

  return items != NULL && add (m, items, n, error);
}

/* --------------------------------------------------------------- memo -- */

static gboolean
op_put (Machine *m, gsize n, GError **error)
{
  const guint8 *p = take (m, n, error);

  if (p == NULL)
    return FALSE;
  guint32 index = n == 1 ? *p : le32 (p);
  if (index > MAX_MEMO)
    return fail_limit (m, "a memo index of at most 1000000", error);
  if (m->n_stack == floor_of (m))
    return fail_structure (m, "enough on the stack", error);
  g_hash_table_insert (m->memo, GUINT_TO_POINTER (index),
                       m->stack[m->n_stack - 1]);
  return TRUE;
}

static gboolean
op_get (Machine *m, gsize n, GError **error)
{
  const guint8 *p = take (m, n, error);

  if (p == NULL)
    return FALSE;
  guint32 index = n == 1 ? *p : le32 (p);
  D2vPickleNode *node = g_hash_table_lookup (m->memo, GUINT_TO_POINTER (index));
  if (node == NULL)
    return fail_structure (m, "a memo index that was put before", error);
  return push (m, node, error);
}

/* ---------------------------------------------------------- the machine -- */

static gboolean
op_protocol (Machine *m, GError **error)
{
  const guint8 *version = take (m, 1, error);

  if (version == NULL)
    return FALSE;
  if (m->at != 0 || (*version != 2 && *version != 3))
    return fail (m, D2V_ERROR_PKL_OPCODE, "protocol 2, once, at the beginning",
                 error);
  return TRUE;
}

static gboolean
op_stop (Machine *m, GError **error)
{
  gboolean unique;

  if (m->position != m->length || m->n_stack != 1 || m->n_marks != 0)
    return fail_structure (m, "STOP as the last byte, with one node left",
                           error);
  m->stopped = TRUE;
  m->pickle->root = m->stack[0];
  if (!d2v_pickle_keys_are_unique (m->pickle, &unique))
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, m->where,
                     "to compare the keys of the pickle");
  return unique
         || fail_structure (m, "each key of a dict once, before STOP", error);
}

static gboolean
fail_opcode (Machine *m, guint8 opcode, GError **error)
{
  return d2v_fail (error, D2V_ERROR_PKL_OPCODE, m->where,
                   "expected an opcode of a state dict, found 0x%02x at byte "
                   "%" G_GSIZE_FORMAT " of the pickle (P)",
                   opcode, m->at);
}

static gboolean
execute (Machine *m, guint8 opcode, GError **error)
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
      return push_tuple (m, pop (m, opcode - 0x84, error), opcode - 0x84,
                         error);
    case '}': /* EMPTY_DICT */
      return push_new (m, D2V_PICKLE_DICT, error);
    case 's': /* SETITEM */
      return add_to_dict (m, pop (m, 2, error), 2, error);
    case 'u': /* SETITEMS */
      return add_to_mark (m, add_to_dict, error);
    case ']': /* EMPTY_LIST */
      return push_new (m, D2V_PICKLE_LIST, error);
    case 'a': /* APPEND */
      return add_to_list (m, pop (m, 1, error), 1, error);
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

static gboolean
run (Machine *m, GError **error)
{
  for (guint n = 0; !m->stopped; n++)
    {
      m->at = m->position;
      if (n == MAX_OPERATIONS)
        return fail_limit (m, "at most 4000000 operations", error);
      const guint8 *opcode = take (m, 1, error);
      if (opcode == NULL)
        return FALSE;
      if (n == 0 && *opcode != 0x80)
        return fail (m, D2V_ERROR_PKL_OPCODE,
                     "protocol 2, once, at the beginning", error);
      if (!execute (m, *opcode, error))
        return FALSE;
    }
  return TRUE;
}

D2vPickle *
d2v_pickle_parse (gconstpointer bytes, gsize n_bytes, const gchar *where,
                  GError **error)
{
  Machine m = { .bytes = bytes, .length = n_bytes, .where = where };

  if (n_bytes > MAX_BYTES)
    {
      fail_limit (&m, "a pickle of at most 64 MiB", error);
      return NULL;
    }
  m.pickle = g_new0 (D2vPickle, 1);
  m.pickle->arena.max_bytes = d2v_min (
      MAX_NODE_BYTES, FREE_NODE_BYTES + NODE_BYTES_PER_BYTE * n_bytes);
  m.stack = d2v_malloc_n (MAX_STACK, sizeof *m.stack);
  m.marks = d2v_malloc_n (MAX_MARKS, sizeof *m.marks);
  m.memo = g_hash_table_new (NULL, NULL);
  gboolean fine
      = m.stack != NULL && m.marks != NULL
            ? run (&m, error)
            : d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "for a stack");
  g_hash_table_unref (m.memo);
  d2v_free (m.stack);
  d2v_free (m.marks);
  if (!fine)
    g_clear_pointer (&m.pickle, d2v_pickle_free);
  return m.pickle;
}

void
d2v_pickle_free (D2vPickle *pickle)
{
  if (pickle == NULL)
    return;
  d2v_pickle_arena_clear (&pickle->arena);
  g_free (pickle);
}

const D2vPickleNode *
d2v_pickle_root (const D2vPickle *pickle)
{
  return pickle->root;
}
