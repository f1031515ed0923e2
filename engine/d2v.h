/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* d2v.h: Data2Vec inference in C, for applications and for the elements.
 *
 * The one public header. It declares everything and includes nothing else of
 * the library, so that every layer below may include it too.
 *
 * Conventions
 *   - Functions that can fail for outside reasons take a GError last; its
 *     domain is D2V_ERROR and its message reads "CODE, file, reason".
 *   - `_new`, `_open`, `_ref` and `run` give the caller a reference or memory
 *     of its own ("transfer full"); getters lend ("transfer none").
 *   - Thread use is said per object. "Any thread" means that several threads
 *     may call at once.
 *   - Sound is mono float at the model's rate (16000 Hz for every published
 *     checkpoint); positions are sample counts since the stream's start.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* ------------------------------------------------------------- errors -- */

#define D2V_ERROR (d2v_error_quark ())
GQuark d2v_error_quark (void);

/**
 * D2vErrorCode:
 *
 * Codes are stable: their names are what tests and programs compare. S, I,
 * Z, P, Q, C, J and T rules that they stand for are in docs/model-files.md.
 */
typedef enum
{
  /* general */
  D2V_ERROR_FAILED,
  D2V_ERROR_NOT_FOUND,     /* no such file, directory or device */
  D2V_ERROR_NOT_A_FILE,    /* a FIFO, socket, device or directory */
  D2V_ERROR_READ,          /* the system could not read it */
  D2V_ERROR_WRITE,
  D2V_ERROR_FILE_CHANGED,  /* changed while it was read */
  D2V_ERROR_TOO_BIG,       /* beyond a stated limit */
  D2V_ERROR_NO_MEMORY,
  D2V_ERROR_LFS_POINTER,   /* a Git LFS pointer instead of the file */
  D2V_ERROR_HTML,          /* a web page instead of the file */
  D2V_ERROR_CANCELLED,
  D2V_ERROR_INPUT,         /* an input of the wrong shape, type or range */
  D2V_ERROR_USAGE,         /* a wrong option or request */
  D2V_ERROR_UNSUPPORTED,   /* well-formed, but not implemented */
  D2V_ERROR_DEVICE,        /* the device is missing or refused */
  D2V_ERROR_DEVICE_LOST,
  /* safetensors */
  D2V_ERROR_ST_TOO_SMALL,
  D2V_ERROR_ST_HEADER_TOO_SMALL,
  D2V_ERROR_ST_HEADER_TOO_LARGE,
  D2V_ERROR_ST_HEADER_TRUNCATED,
  D2V_ERROR_ST_HEADER_START,
  D2V_ERROR_ST_JSON,
  D2V_ERROR_ST_DUP_KEY,
  D2V_ERROR_ST_METADATA,
  D2V_ERROR_ST_ENTRY,
  D2V_ERROR_ST_LIMIT,
  D2V_ERROR_ST_DTYPE,
  D2V_ERROR_ST_DTYPE_UNSUPPORTED,
  D2V_ERROR_ST_SHAPE,
  D2V_ERROR_ST_OVERFLOW,
  D2V_ERROR_ST_OFFSETS,
  D2V_ERROR_ST_SIZE_MISMATCH,
  D2V_ERROR_ST_HOLE,
  D2V_ERROR_ST_OVERLAP,
  D2V_ERROR_ST_TRAILING,
  D2V_ERROR_ST_EMPTY_TENSOR,
  /* sharded index */
  D2V_ERROR_INDEX_JSON,
  D2V_ERROR_INDEX_ENTRY,
  D2V_ERROR_INDEX_NAME,
  D2V_ERROR_INDEX_LIMIT,
  D2V_ERROR_INDEX_MISMATCH,
  /* pytorch_model.bin */
  D2V_ERROR_ZIP,
  D2V_ERROR_ZIP_COMPRESSED,
  D2V_ERROR_ZIP_CRC,
  D2V_ERROR_BIN_LEGACY,
  D2V_ERROR_BIN_NOT_A_STATE_DICT,
  D2V_ERROR_PKL_OPCODE,
  D2V_ERROR_PKL_GLOBAL,
  D2V_ERROR_PKL_LIMIT,
  D2V_ERROR_PKL_STRUCTURE,
  D2V_ERROR_PKL_NOT_A_STATE_DICT,
  D2V_ERROR_PKL_STORAGE,
  D2V_ERROR_PKL_TENSOR,
  /* weights against architecture */
  D2V_ERROR_W_NONFINITE,
  D2V_ERROR_ARCH_MISSING,
  D2V_ERROR_ARCH_UNEXPECTED,
  D2V_ERROR_ARCH_SHAPE,
  D2V_ERROR_ARCH_HEAD,     /* the wrong head for this use */
  /* JSON, configurations, tokenizers */
  D2V_ERROR_JSON,
  D2V_ERROR_CONFIG,
  D2V_ERROR_CONFIG_TYPE,
  D2V_ERROR_CONFIG_RANGE,
  D2V_ERROR_CONFIG_TOO_BIG,
  D2V_ERROR_CONFIG_MODEL_TYPE,
  D2V_ERROR_TOK_VOCAB,
  D2V_ERROR_TOK_MERGES,
  D2V_ERROR_TOK_UNSUPPORTED,
  D2V_ERROR_TOK_DISAGREE,
  D2V_ERROR_TOK_SPECIAL,
  D2V_ERROR_TOK_MISSING,
  /* media files of the command-line program */
  D2V_ERROR_WAV,
  D2V_ERROR_PNG,
  D2V_ERROR_PPM,
  D2V_N_ERRORS
} D2vErrorCode;

/* The code as text without its prefix, "ST_TOO_SMALL"; never NULL. */
const gchar *d2v_error_code_name (gint code);

/* ------------------------------------------------------------ tensors -- */

typedef enum
{
  D2V_F32,
  D2V_F16,
  D2V_BF16,
  D2V_F64,
  D2V_I64,
  D2V_I32,
  D2V_I16,
  D2V_I8,
  D2V_U64,
  D2V_U32,
  D2V_U16,
  D2V_U8,
  D2V_BOOL,
  D2V_N_DTYPES
} D2vDType;

#define D2V_MAX_RANK 8

/**
 * D2vTensor:
 *
 * A dense row-major array, reference-counted. Its shape never changes; its
 * contents are the owner's to guard. Data are aligned to 64 bytes.
 */
typedef struct _D2vTensor D2vTensor;

#define D2V_TYPE_TENSOR (d2v_tensor_get_type ())
GType d2v_tensor_get_type (void);

/* Zeroed. NULL when the size overflows or memory is short. */
D2vTensor *d2v_tensor_new (D2vDType dtype, guint rank, const gsize *shape);
D2vTensor *d2v_tensor_ref (D2vTensor *tensor);
void d2v_tensor_unref (D2vTensor *tensor);
D2vDType d2v_tensor_dtype (const D2vTensor *tensor);
guint d2v_tensor_rank (const D2vTensor *tensor);
const gsize *d2v_tensor_shape (const D2vTensor *tensor);
gsize d2v_tensor_n_elements (const D2vTensor *tensor);
gsize d2v_tensor_n_bytes (const D2vTensor *tensor);
gpointer d2v_tensor_data (const D2vTensor *tensor);
gsize d2v_dtype_size (D2vDType dtype);
const gchar *d2v_dtype_name (D2vDType dtype); /* as safetensors spells it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTensor, d2v_tensor_unref)

/**
 * D2vTensors:
 *
 * Tensors by name, in the order they were set; reference-counted. Not safe
 * for several threads while somebody sets.
 */
typedef struct _D2vTensors D2vTensors;

#define D2V_TYPE_TENSORS (d2v_tensors_get_type ())
GType d2v_tensors_get_type (void);

D2vTensors *d2v_tensors_new (void);
D2vTensors *d2v_tensors_ref (D2vTensors *tensors);
void d2v_tensors_unref (D2vTensors *tensors);
/* Takes its own reference on @tensor; replaces one of the same name. */
void d2v_tensors_set (D2vTensors *tensors, const gchar *name,
                      D2vTensor *tensor);
D2vTensor *d2v_tensors_get (const D2vTensors *tensors, const gchar *name);
guint d2v_tensors_size (const D2vTensors *tensors);
const gchar *d2v_tensors_name (const D2vTensors *tensors, guint index);
/* Reads / writes a safetensors file. Storage types are kept. */
D2vTensors *d2v_tensors_load (const gchar *path, GError **error);
gboolean d2v_tensors_save (const D2vTensors *tensors, const gchar *path,
                           GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTensors, d2v_tensors_unref)

/* -------------------------------------------------------------- model -- */

typedef enum
{
  D2V_MODALITY_AUDIO,
  D2V_MODALITY_TEXT,
  D2V_MODALITY_VISION
} D2vModality;

/**
 * D2vHead:
 *
 * The fifteen classes. Names as the original's without the family prefix:
 * "Model", "ForCTC", ...; the modality says which Model is meant.
 */
typedef enum
{
  D2V_HEAD_MODEL,
  D2V_HEAD_CTC,
  D2V_HEAD_AUDIO_FRAME_CLASSIFICATION,
  D2V_HEAD_SEQUENCE_CLASSIFICATION,
  D2V_HEAD_XVECTOR,
  D2V_HEAD_MASKED_LM,
  D2V_HEAD_CAUSAL_LM,
  D2V_HEAD_TOKEN_CLASSIFICATION,
  D2V_HEAD_QUESTION_ANSWERING,
  D2V_HEAD_MULTIPLE_CHOICE,
  D2V_HEAD_IMAGE_CLASSIFICATION,
  D2V_HEAD_SEMANTIC_SEGMENTATION,
  D2V_N_HEADS
} D2vHead;

const gchar *d2v_head_name (D2vHead head);
gboolean d2v_head_from_name (const gchar *name, D2vHead *head);
/* The element that runs this head: "d2vtranscriber"; NULL if none is built. */
const gchar *d2v_head_element (D2vModality modality, D2vHead head);

/**
 * D2vModel:
 *
 * What a model directory says: configuration, weights in host memory,
 * vocabulary, processors. Immutable, reference-counted, any thread. Knows
 * nothing of devices.
 */
typedef struct _D2vModel D2vModel;

#define D2V_TYPE_MODEL (d2v_model_get_type ())
GType d2v_model_get_type (void);

typedef struct
{
  const gchar *head;      /* class without prefix; NULL: config.json's */
  gboolean no_weights;    /* read configuration and processors only */
  gboolean unshared;      /* read again what this process has open already */
  gboolean allow_nonfinite_weights;
  GCancellable *cancellable;
} D2vModelParams;

/* @path: a model directory, or a weights file inside one. @params: may be
 * NULL. Fails with the file, key or tensor that is at fault. */
D2vModel *d2v_model_open (const gchar *path, const D2vModelParams *params,
                          GError **error);
D2vModel *d2v_model_ref (D2vModel *model);
void d2v_model_unref (D2vModel *model);
const gchar *d2v_model_path (const D2vModel *model);
D2vModality d2v_model_modality (const D2vModel *model);
D2vHead d2v_model_head (const D2vModel *model);
guint d2v_model_n_labels (const D2vModel *model);
const gchar *d2v_model_label (const D2vModel *model, guint index);
guint d2v_model_sampling_rate (const D2vModel *model); /* 0 unless audio */
/* What the configuration calls num_channels and image_size (height, width);
 * all 0 unless vision. */
void d2v_model_image_size (const D2vModel *model, guint *n_channels,
                           guint *height, guint *width);
/* What `d2v inspect` prints: lines of text, or one JSON object. Free with
 * g_free(). */
gchar *d2v_model_inspect (D2vModel *model, gboolean json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vModel, d2v_model_unref)

/* ------------------------------------------------------------ devices -- */

typedef enum
{
  D2V_PRECISION_AUTO,
  D2V_PRECISION_F32,
  D2V_PRECISION_F16,
  D2V_PRECISION_BF16,
  D2V_PRECISION_INT8
} D2vPrecision;

const gchar *d2v_precision_name (D2vPrecision precision);
gboolean d2v_precision_from_name (const gchar *name, D2vPrecision *precision);

typedef struct
{
  gchar *id;       /* what `device=` takes: "cpu", "vulkan:0" */
  gchar *name;
  gchar *uuid;     /* NULL for the CPU */
  gchar *supports; /* instruction sets or features, in words */
  gboolean usable;
  gchar *why;      /* why not, when not usable */
} D2vDevice;

/* Every device found, the CPU first; elements are D2vDevice. */
GPtrArray *d2v_devices_list (void);

/* ------------------------------------------------------------ session -- */

/**
 * D2vSession:
 *
 * A model on a device at a precision. Sessions opened with equal parameters
 * share weights, plans and the worker thread, however many there are in the
 * process. Reference-counted, any thread.
 */
typedef struct _D2vSession D2vSession;

#define D2V_TYPE_SESSION (d2v_session_get_type ())
GType d2v_session_get_type (void);

typedef struct
{
  const gchar *device;    /* NULL: "auto" */
  D2vPrecision precision;
  guint n_threads;        /* 0: as many as there are cores */
  gboolean unshared;      /* a copy of the weights of its own */
  const gchar *instance;  /* sharing group; NULL: the model's content */
  GCancellable *cancellable; /* looked at before a device is opened */
} D2vSessionParams;

D2vSession *d2v_session_new (D2vModel *model, const D2vSessionParams *params,
                             GError **error);
D2vSession *d2v_session_ref (D2vSession *session);
void d2v_session_unref (D2vSession *session);
D2vModel *d2v_session_model (const D2vSession *session);
const gchar *d2v_session_device_name (const D2vSession *session);
guint d2v_session_n_threads (const D2vSession *session);

typedef enum
{
  D2V_RUN_DEFAULT = 0,
  D2V_RUN_HIDDEN_STATES = 1 << 0 /* also outputs hidden_states.N */
} D2vRunFlags;

/* The raw forward pass: inputs and outputs are named as the original's
 * forward arguments and output fields. Integer inputs may be any integer
 * type or BOOL, floats F32; outputs are F32. Blocks until done; cancelled, it
 * fails with CANCELLED: at once while it waits for other runs, else before the
 * next step of the model. */
D2vTensors *d2v_session_run (D2vSession *session, const D2vTensors *inputs,
                             D2vRunFlags flags, GCancellable *cancellable,
                             GError **error);

typedef struct
{
  guint64 n_runs;
  guint64 n_allocations;  /* made while running plans: 0 once prepared */
  gdouble compute_seconds;
  gsize weight_bytes;
  gsize arena_bytes;      /* of the largest prepared plan */
  guint queue_depth;
  guint n_fallbacks; /* runs that the CPU did in a GPU's place */
  guint n_dispatches, n_barriers; /* of the last run on a GPU */
} D2vSessionStats;

void d2v_session_stats (D2vSession *session, D2vSessionStats *stats);

typedef struct
{
  const gchar *op; /* "linear" */
  guint n_dispatches;
  gdouble seconds;
} D2vOpTime;

/* Runs once and reads the device's clock around everything that it does.
 * Returns an array of D2vOpTime, what took longest first, or NULL with
 * UNSUPPORTED when the device has no clock: the CPU has none. */
GArray *d2v_session_profile (D2vSession *session, const D2vTensors *inputs,
                             GError **error);

/* Something happened to the session's device, in words for a user: it was
 * lost and the CPU goes on, it works again, ... */
typedef void (*D2vSessionNotify) (const gchar *message, gpointer data);

/* @notify is called on the worker's thread until it is removed; it must not
 * add or remove. Returns what names it. Removing waits for a call under way. */
guint d2v_session_add_notify (D2vSession *session, D2vSessionNotify notify,
                              gpointer data);
void d2v_session_remove_notify (D2vSession *session, guint id);
/* Arithmetic of the inputs' forward pass, in FLOP (2 per multiply-add);
 * matrix products and convolutions only. 0 when the inputs do not fit. */
gdouble d2v_session_flop (D2vSession *session, const D2vTensors *inputs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vSession, d2v_session_unref)

/* -------------------------------------------------------- transcriber -- */

/**
 * D2vTranscriber:
 *
 * Speech in, timed words out (ForCTC). Push samples in pieces of any size;
 * the pieces never change the result. One thread pushes, one pulls (they may
 * be the same); flush may come from any thread.
 */
typedef struct _D2vTranscriber D2vTranscriber;

#define D2V_TYPE_TRANSCRIBER (d2v_transcriber_get_type ())
GType d2v_transcriber_get_type (void);

typedef enum
{
  /* Exact and complete: up to one window, what the original gives for the
   * whole clip; beyond it, the original's chunks with strides. Pushing waits
   * while two windows are in work. */
  D2V_REGIME_RECORDED,
  /* Bounded work per second and bounded delay: short windows with left and
   * right context. Pushing never waits; windows that come too late are
   * dropped and counted. */
  D2V_REGIME_LIVE
} D2vRegime;

typedef enum
{
  D2V_TEXT_CASE_VOCABULARY, /* as the vocabulary spells it */
  D2V_TEXT_CASE_LOWER,
  D2V_TEXT_CASE_UPPER,
  D2V_TEXT_CASE_SENTENCE    /* lower, each sentence begins upper */
} D2vTextCase;

typedef enum
{
  D2V_NONFINITE_DROP,   /* NaN or Inf in a window: no words from it */
  D2V_NONFINITE_ERROR
} D2vNonfinite;

/* A duration of 0 ms, where 0 stands for the default. */
#define D2V_MS_NONE G_MAXUINT

/* Zeros everywhere are the defaults. Durations in milliseconds. */
typedef struct
{
  D2vRegime regime;
  guint window_ms;          /* recorded: 30000 */
  guint stride_ms;          /* recorded, each side: window / 6 */
  guint left_context_ms;    /* live: 2400 */
  guint chunk_ms;           /* live: 400 */
  guint right_context_ms;   /* live: 500 */
  guint endpoint_silence_ms;      /* a pause that ends a sentence: 500 */
  guint endpoint_max_ms;          /* a sentence's greatest length: 12000 */
  gboolean partial_results;       /* also unfinished words */
  guint partial_interval_ms;      /* at most one in this time: 200 */
  gfloat word_confidence_threshold; /* drop words below it: 0 */
  D2vTextCase text_case;
  D2vNonfinite nonfinite;
  guint max_queued_windows;       /* live, before dropping: 4 */
} D2vTranscriberParams;

typedef enum
{
  D2V_TRANSCRIPT_WORD,     /* one final word */
  D2V_TRANSCRIPT_ENDPOINT, /* the words since the last one are a sentence */
  D2V_TRANSCRIPT_PARTIAL,  /* what is heard after the last final word */
  D2V_TRANSCRIPT_POSITION, /* everything before `end` is decided */
  D2V_TRANSCRIPT_DROPPED,  /* start..end gives no words; text says why */
  D2V_TRANSCRIPT_DRAINED   /* answers d2v_transcriber_drain() */
} D2vTranscriptType;

typedef struct
{
  D2vTranscriptType type;
  gchar *text;        /* UTF-8; NULL where the type has none */
  guint64 start;      /* samples since the start of the stream */
  guint64 end;
  gfloat confidence;  /* see d2v_transcriber_pull() */
  guint revision;     /* PARTIAL: counts up until a word is final */
  gint64 compute_us;  /* time its window took, submit to result */
} D2vTranscript;

void d2v_transcript_free (D2vTranscript *transcript);

/* @session's model must be ForCTC (ARCH_HEAD names the right element). */
D2vTranscriber *d2v_transcriber_new (D2vSession *session,
                                     const D2vTranscriberParams *params,
                                     GError **error);
D2vTranscriber *d2v_transcriber_ref (D2vTranscriber *transcriber);
void d2v_transcriber_unref (D2vTranscriber *transcriber);

/* @samples: mono float at the model's rate, any count. In the recorded
 * regime waits while two windows are in work; nobody need pull for that.
 * FALSE with CANCELLED while flushing, or with the first error of a window. */
gboolean d2v_transcriber_push (D2vTranscriber *transcriber,
                               const gfloat *samples, gsize n_samples,
                               GError **error);

/* Ends the stream: what was pushed is finished, words included, whatever the
 * tail's length; then a DRAINED transcript follows and a new stream begins at
 * position 0. Does not wait.
 *
 * Recorded: with a stride below half of what one frame of the model hears
 * (25 ms in published checkpoints), the last chunk may be shorter than a
 * frame. The original fails then; here it says nothing. */
void d2v_transcriber_drain (D2vTranscriber *transcriber);

/* The next transcript, in order of time; free it with
 * d2v_transcript_free(). @timeout_us: how long to wait, 0 not at all, -1 for
 * ever. NULL without error when nothing came in time; NULL with CANCELLED
 * while flushing.
 *
 * A word's confidence is the mean, over the frames of its letters, of the
 * probability that softmax gives the chosen token: exp is taken per frame,
 * blanks and delimiters do not count. It lies in (0, 1]. */
D2vTranscript *d2v_transcriber_pull (D2vTranscriber *transcriber,
                                     gint64 timeout_us, GError **error);

/* Drops everything in work and waiting, without waiting for a running
 * window; pending and later calls fail with CANCELLED until @flushing is
 * FALSE again, which also starts a new stream. */
void d2v_transcriber_flush (D2vTranscriber *transcriber, gboolean flushing);

/* Another model from the next window on; words of the windows in work come
 * from the old one. The new model must have the same rate and frame size. */
gboolean d2v_transcriber_set_session (D2vTranscriber *transcriber,
                                      D2vSession *session, GError **error);

/* The longest delay between the end of a word and the moment it is final,
 * computing left out: chunk, right context, and the pause after which a word
 * cannot go on; 0 in the recorded regime. In samples. */
guint64 d2v_transcriber_latency (D2vTranscriber *transcriber);

typedef struct
{
  guint64 windows_in;
  guint64 windows_out;
  guint64 dropped_late;
  guint64 dropped_nonfinite;
  guint64 dropped_flushed;
  guint queue_depth;
  gdouble rtf;       /* compute time / audio time, over the last windows */
  gdouble p50_ms;    /* compute time of a window */
  gdouble p95_ms;
  gdouble max_ms;
} D2vTranscriberStats;

void d2v_transcriber_stats (D2vTranscriber *transcriber,
                            D2vTranscriberStats *stats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTranscriber, d2v_transcriber_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTranscript, d2v_transcript_free)

/* --------------------------------------------------------------- tasks -- */

/**
 * D2vTask:
 *
 * A session with what stands around it: tokenizer or front end before it,
 * decoder after it. Media in, typed results out, equal to what the original's
 * pipelines return, defaults included. Each function wants a model of one
 * class and fails with ARCH_HEAD, naming both, for another.
 *
 * Reference-counted, any thread. Calls block until done and are cancelled
 * through @cancellable, which may be NULL. Parameters that are pointers to
 * structs may be NULL; zeros in them are the defaults. Inputs of the wrong
 * shape, length or range fail with INPUT. Offsets in texts are code points,
 * times in sound are samples.
 */
typedef struct _D2vTask D2vTask;

#define D2V_TYPE_TASK (d2v_task_get_type ())
GType d2v_task_get_type (void);

/* Reads the tokenizer of a text model, the front end of the others; fails
 * when its files do. */
D2vTask *d2v_task_new (D2vSession *session, GError **error);
D2vTask *d2v_task_ref (D2vTask *task);
void d2v_task_unref (D2vTask *task);
D2vSession *d2v_task_session (const D2vTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTask, d2v_task_unref)

/* A text: UTF-8 that may hold NUL; a length of -1 means NUL-terminated. */
typedef struct
{
  const gchar *text;
  gssize length;
} D2vString;

typedef enum
{
  D2V_TRUNCATE_NOT,
  D2V_TRUNCATE_LONGEST_FIRST,
  D2V_TRUNCATE_ONLY_FIRST,
  D2V_TRUNCATE_ONLY_SECOND
} D2vTruncation;

#define D2V_MAX_CHANNELS 4

/* Pixels in somebody's memory. Channel c of pixel (x, y) is the byte at
 * y * stride + x * pixel_bytes + offset[c]; so RGB, BGRx and grey are all
 * read where they lie. */
typedef struct
{
  const guint8 *pixels;
  gsize width;
  gsize height;
  gsize stride;                   /* bytes from row to row */
  guint pixel_bytes;              /* 1..4 */
  guint n_channels;               /* 1..4 */
  guint offset[D2V_MAX_CHANNELS]; /* < pixel_bytes; may repeat */
} D2vImageView;

/* -- speech recognition: ForCTC -- */

typedef enum
{
  D2V_TIMESTAMPS_NONE,
  D2V_TIMESTAMPS_CHAR,
  D2V_TIMESTAMPS_WORD
} D2vTimestamps;

typedef struct
{
  D2vTimestamps timestamps;
  /* Longer clips in chunks of so many seconds, which overlap by a stride on
   * each side; 0: the whole clip at once. */
  gdouble chunk_length_s;
  gboolean has_stride;        /* FALSE: a sixth of the chunk on each side */
  gdouble stride_length_s[2]; /* left, right */
} D2vSpeechParams;

typedef struct
{
  gchar *text;
  guint64 start; /* samples */
  guint64 end;
} D2vSpeechChunk;

typedef struct
{
  gchar *text;
  D2vSpeechChunk *chunks; /* as `timestamps` asks for, in order of time */
  gsize n_chunks;
} D2vSpeech;

/* @samples: mono, at the model's rate, every one finite. */
D2vSpeech *d2v_task_recognize_speech (D2vTask *task, const gfloat *samples,
                                      gsize n_samples,
                                      const D2vSpeechParams *params,
                                      GCancellable *cancellable,
                                      GError **error);
void d2v_speech_free (D2vSpeech *speech);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vSpeech, d2v_speech_free)

/* -- classification: ForSequenceClassification, ForImageClassification -- */

#define D2V_ALL G_MAXSIZE

typedef struct
{
  gsize top_k; /* 0: what the original shows, 1 class of a text, 5 of an image
                * and all of a sound */
  const gchar *function_to_apply; /* "softmax", "sigmoid" or "none"; NULL: as
                                   * the model's problem type says */
  D2vTruncation truncation;       /* text only */
} D2vClassifyParams;

typedef struct
{
  gsize index;
  const gchar *label; /* the model's, which must outlive it; texts may repeat */
  gfloat score;
} D2vClass;

typedef struct
{
  D2vClass *items; /* best first, equal scores by index, NaN last */
  gsize n_items;
} D2vClasses;

D2vClasses *d2v_task_classify_sound (D2vTask *task, const gfloat *samples,
                                     gsize n_samples,
                                     const D2vClassifyParams *params,
                                     GCancellable *cancellable, GError **error);
D2vClasses *d2v_task_classify_image (D2vTask *task, const D2vImageView *image,
                                     const D2vClassifyParams *params,
                                     GCancellable *cancellable, GError **error);
/* @pair: a second text, or NULL. Too long a text is an error unless it is to
 * be truncated. */
D2vClasses *d2v_task_classify_text (D2vTask *task, const D2vString *text,
                                    const D2vString *pair,
                                    const D2vClassifyParams *params,
                                    GCancellable *cancellable, GError **error);
void d2v_classes_free (D2vClasses *classes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vClasses, d2v_classes_free)

/* -- who speaks when: ForAudioFrameClassification -- */

typedef struct
{
  guint8 *active; /* (n_frames, n_labels): 1 where the label is heard */
  gfloat *scores; /* the same, 0..1; active above one half */
  gsize n_frames;
  gsize n_labels;
} D2vFrames;

D2vFrames *d2v_task_classify_frames (D2vTask *task, const gfloat *samples,
                                     gsize n_samples, GCancellable *cancellable,
                                     GError **error);
void d2v_frames_free (D2vFrames *frames);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vFrames, d2v_frames_free)

/* -- whose voice: ForXVector -- */

/* The voice as a vector, F32 (D). */
D2vTensor *d2v_task_embed_speaker (D2vTask *task, const gfloat *samples,
                                   gsize n_samples, GCancellable *cancellable,
                                   GError **error);
/* The cosine of two such vectors of one model; the original's example takes
 * 0.7 and above for one speaker. NaN for vectors of unequal length. */
gfloat d2v_speaker_similarity (const D2vTensor *a, const D2vTensor *b);

/* -- what is where: ForSemanticSegmentation -- */

typedef struct
{
  guint16 *labels; /* (height, width): the class of each pixel */
  gsize width;
  gsize height;
  gsize *counts; /* (n_classes): pixels of each class */
  gsize n_classes;
} D2vLabelMap;

/* A map of the image's size. */
D2vLabelMap *d2v_task_segment (D2vTask *task, const D2vImageView *image,
                               GCancellable *cancellable, GError **error);
void d2v_label_map_free (D2vLabelMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vLabelMap, d2v_label_map_free)

/* -- names in a text: ForTokenClassification -- */

typedef enum
{
  D2V_TAGS_NONE,    /* every token by itself */
  D2V_TAGS_SIMPLE,  /* neighbours of one label together */
  D2V_TAGS_FIRST,   /* words first: labelled as their first token, */
  D2V_TAGS_AVERAGE, /* as the mean of their tokens' scores, */
  D2V_TAGS_MAX      /* as their token with the highest score */
} D2vTagsStrategy;

typedef struct
{
  D2vTagsStrategy strategy;
  const gchar *const *ignore_labels; /* NULL-terminated; NULL: "O" alone */
  gboolean has_stride; /* read all of a long text, in parts that share */
  gsize stride;        /* this many tokens; not with NONE */
} D2vTagsParams;

typedef struct
{
  const gchar *label; /* the model's, or the end of one of its labels */
  gfloat score;
  gsize index;        /* of the token in its row; NONE only */
  gchar *word;        /* NONE: as the vocabulary spells it; else as text */
  gsize word_length;  /* in bytes; it may hold U+0000 */
  guint32 start, end; /* code points of the text */
} D2vTag;

typedef struct
{
  D2vTag *items; /* in the order of the text */
  gsize n_items;
} D2vTags;

/* What does not fit the model is cut off unless there is a stride. */
D2vTags *d2v_task_tag (D2vTask *task, const D2vString *text,
                       const D2vTagsParams *params, GCancellable *cancellable,
                       GError **error);
void d2v_tags_free (D2vTags *tags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTags, d2v_tags_free)

/* -- answers in a text: ForQuestionAnswering -- */

typedef struct
{
  gsize max_seq_len; /* tokens of a part: at most 384, or the model's */
  gboolean has_doc_stride;
  gsize doc_stride;     /* tokens that parts share: max_seq_len / 2, <= 128 */
  gsize top_k;          /* 1 */
  gsize max_answer_len; /* in tokens: 15 */
  gboolean handle_impossible_answer; /* "" may be the answer */
  gboolean exact_tokens; /* align_to_words off: answers may begin and end
                          * inside of words */
} D2vAnswerParams;

typedef struct
{
  gchar *text;        /* of the context */
  gsize length;       /* in bytes; it may hold U+0000 */
  gdouble score;      /* sum over equal answers; may exceed 1 */
  guint32 start, end; /* code points of the context */
} D2vAnswer;

typedef struct
{
  D2vAnswer *items; /* best first; equal scores in the order found */
  gsize n_items;    /* may be fewer than top_k, and none */
} D2vAnswers;

D2vAnswers *d2v_task_answer (D2vTask *task, const D2vString *question,
                             const D2vString *context,
                             const D2vAnswerParams *params,
                             GCancellable *cancellable, GError **error);
void d2v_answers_free (D2vAnswers *answers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vAnswers, d2v_answers_free)

/* -- the words behind <mask>: ForMaskedLM -- */

typedef struct
{
  gsize top_k;              /* 5 for each mask; D2V_ALL */
  const D2vString *targets; /* (n_targets), the only candidates: tokens as the
                             * vocabulary spells them, else as text */
  gsize n_targets;
} D2vFillMaskParams;

typedef struct
{
  gfloat score; /* over the whole vocabulary, also with targets */
  gint32 token;
  gchar *token_str; /* the token as text, its leading space included */
  gsize token_str_length;
  gchar *sequence;       /* the input with the token in place, as text */
  gsize sequence_length; /* all in bytes; strings may hold U+0000 */
} D2vFillCandidate;

typedef struct
{
  gsize n_masks;
  gsize n_candidates;      /* of each mask */
  D2vFillCandidate *items; /* (n_masks, n_candidates), best first */
} D2vFills;

D2vFills *d2v_task_fill_mask (D2vTask *task, const D2vString *text,
                              const D2vFillMaskParams *params,
                              GCancellable *cancellable, GError **error);
void d2v_fills_free (D2vFills *fills);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vFills, d2v_fills_free)

/* -- the best of several: ForMultipleChoice -- */

typedef struct
{
  gsize choice; /* index of the best, the first of equal ones */
  gsize n;
  gfloat *scores; /* (n): softmax over the choices */
  gfloat *logits; /* (n) */
} D2vChoice;

D2vChoice *d2v_task_choose (D2vTask *task, const D2vString *prompt,
                            const D2vString *choices, gsize n,
                            GCancellable *cancellable, GError **error);
void d2v_choice_free (D2vChoice *choice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vChoice, d2v_choice_free)

/* -- text that goes on: ForCausalLM -- */

typedef struct
{
  gboolean sample;     /* FALSE: always the likeliest; the rest is unused */
  gdouble temperature; /* 1; above 0 */
  gsize top_k;         /* 50; only so many may come next; D2V_ALL */
  gdouble top_p;       /* 1; only the likeliest that are as likely together */
  guint64 seed;        /* the same seed and logits give the same tokens */
} D2vSamplerParams;

typedef struct
{
  gsize max_new_tokens;       /* 256, or as many as the model has room for */
  gboolean no_special_tokens; /* the prompt without <s> and </s>: the text goes
                               * on where it ends */
  gboolean new_text_only;     /* without the prompt */
  const gint32 *stop_ids;     /* (n_stop_ids), after which nothing follows;
                               * NULL: as the model's files say */
  gsize n_stop_ids;
  D2vSamplerParams sampler;
  /* Positions as a plain forward pass counts them, from pad_token_id + 1. The
   * original's generate() counts from 0, and what it gives is not the same. */
  gboolean forward_positions;
  gboolean no_cache; /* read all of the text again for each token */
  /* Told every piece of new text as soon as its characters are whole, on the
   * caller's thread; may be NULL. */
  void (*progress) (const gchar *text, gsize length, gpointer data);
  gpointer progress_data;
} D2vGenerateParams;

typedef struct
{
  gchar *text;
  gsize length; /* in bytes; it may hold U+0000 */
  gint32 *ids;  /* (n_ids): the new tokens, special ones too */
  gsize n_ids;
} D2vContinuation;

/* A model that is no decoder sees its prompt in both directions at once. */
D2vContinuation *d2v_task_generate (D2vTask *task, const D2vString *text,
                                    const D2vGenerateParams *params,
                                    GCancellable *cancellable, GError **error);
void d2v_continuation_free (D2vContinuation *continuation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vContinuation, d2v_continuation_free)

/* -- features: Model, of all three families -- */

typedef struct
{
  const gchar *pooling; /* NULL: every row, (1, T, H); "mean", "cls" or "max":
                         * one vector, (1, H) */
  gboolean normalize;   /* a pooled vector to length 1 */
} D2vFeatureParams;

/* The last hidden state, F32. */
D2vTensor *d2v_task_embed_sound (D2vTask *task, const gfloat *samples,
                                 gsize n_samples,
                                 const D2vFeatureParams *params,
                                 GCancellable *cancellable, GError **error);
D2vTensor *d2v_task_embed_image (D2vTask *task, const D2vImageView *image,
                                 const D2vFeatureParams *params,
                                 GCancellable *cancellable, GError **error);
D2vTensor *d2v_task_embed_text (D2vTask *task, const D2vString *text,
                                const D2vFeatureParams *params,
                                GCancellable *cancellable, GError **error);

/* ------------------------------------------------------------- service -- */

typedef enum
{
  D2V_COMMAND_TOKENIZE,
  D2V_COMMAND_PREPROCESS,
  D2V_COMMAND_DECODE,
  D2V_COMMAND_APPLY
} D2vCommand;

/**
 * D2vService:
 *
 * A model that answers requests in JSON, as the commands `tokenize`,
 * `preprocess`, `decode` and `apply` of the program d2v do; docs/d2v.md has
 * every key. Only apply opens the weights. One thread at a time.
 */
typedef struct _D2vService D2vService;

/* @head, @params: for apply only; may be NULL. */
D2vService *d2v_service_open (D2vCommand command, const gchar *path,
                              const gchar *head, const D2vSessionParams *params,
                              GError **error);
void d2v_service_free (D2vService *service);
/* How many inputs one request of apply takes: 1, or 2 for ForXVector. */
guint d2v_service_n_inputs (const D2vService *service);
/* @request: one JSON object; @length in bytes, -1 for a C string. The answer
 * is one JSON value without line breaks; free with g_free(). Fails with JSON
 * or USAGE for a request that is not understood, and with what its task fails
 * with. Nothing of a failed request remains. */
gchar *d2v_service_answer (D2vService *service, const gchar *request,
                           gssize length, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vService, d2v_service_free)

G_END_DECLS
