/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle.h: the pickle of a state dict, read as data (rules P).
 *
 * The machine knows 32 opcodes and 13 names, builds nodes, and calls nothing.
 * What a node means is decided by whoever walks the tree. Memo and SETITEM
 * can make a node contain itself, so a walk needs a depth of its own. */
#pragma once

#include "engine/d2v.h"

/* The names that a pickle may refer to. */
typedef enum
{
  D2V_GLOBAL_ORDERED_DICT,
  D2V_GLOBAL_REBUILD_TENSOR,
  D2V_GLOBAL_REBUILD_PARAMETER,
  D2V_GLOBAL_STORAGE /* its dtype is in the node */
} D2vPickleGlobal;

typedef enum
{
  D2V_PICKLE_NONE,
  D2V_PICKLE_BOOL,
  D2V_PICKLE_INTEGER,
  D2V_PICKLE_REAL,
  D2V_PICKLE_STRING,
  D2V_PICKLE_BYTES,
  D2V_PICKLE_TUPLE,
  D2V_PICKLE_LIST,
  D2V_PICKLE_DICT, /* also an OrderedDict */
  D2V_PICKLE_GLOBAL,
  D2V_PICKLE_CALL,      /* items: the global, then its arguments' tuple */
  D2V_PICKLE_PERSISTENT /* items: the id's tuple */
} D2vPickleKind;

typedef struct _D2vPickleNode D2vPickleNode;
struct _D2vPickleNode
{
  D2vPickleKind kind;
  guint8 depth;     /* of what was in it when it was made */
  gboolean ordered; /* an OrderedDict */
  guint n;          /* items, or bytes of text; a dict has key, value, ... */
  guint room;       /* items that fit */
  union
  {
    gint64 integer; /* and boolean */
    gdouble real;
    const gchar *text; /* in the pickle; not NUL-terminated */
    D2vPickleNode **items;
    struct
    {
      D2vPickleGlobal name;
      D2vDType dtype;
    } global;
  };
  D2vPickleNode *next_dict; /* of all dicts */
};

typedef struct _D2vPickle D2vPickle;

/* @bytes are borrowed and must outlive it; @where stands in messages.
 * PKL_OPCODE, PKL_GLOBAL, PKL_LIMIT or PKL_STRUCTURE. */
D2vPickle *d2v_pickle_parse (gconstpointer bytes, gsize n_bytes,
                             const gchar *where, GError **error);
void d2v_pickle_free (D2vPickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vPickle, d2v_pickle_free)

const D2vPickleNode *d2v_pickle_root (const D2vPickle *pickle);
/* Whether a node is a string of just these characters. */
gboolean d2v_pickle_is_string (const D2vPickleNode *node, const gchar *text);
