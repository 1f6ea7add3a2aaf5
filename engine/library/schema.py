"""The tables of a library, as the steps that lead from an empty file to the newest version."""

from __future__ import annotations

#: "CSRA": says in the file's header whose it is.
APPLICATION_ID = 0x43535241

#: Each entry leads from its index to the next version; an entry is never changed once released.
#: Paths and names are bytes, since not every file name is a text.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE folders (
            id INTEGER PRIMARY KEY,
            path BLOB NOT NULL UNIQUE,
            opened INTEGER -- counts up: the person opened the highest last; NULL: never, only found
        ) STRICT""",
        """CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            folder_id INTEGER NOT NULL REFERENCES folders (id),
            name BLOB NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            hash BLOB, -- of the content; NULL until it was computed
            reviewed INTEGER NOT NULL DEFAULT 0,
            missing INTEGER NOT NULL DEFAULT 0,
            UNIQUE (folder_id, name)
        ) STRICT""",
        "CREATE INDEX images_by_hash ON images (hash) WHERE hash IS NOT NULL",
        """CREATE TABLE models (
            id INTEGER PRIMARY KEY,
            fingerprint TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            categories TEXT NOT NULL -- a JSON list, in the order of the scores
        ) STRICT""",
        """CREATE TABLE scores (
            model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            scores BLOB NOT NULL, -- float16, little-endian, one per category
            PRIMARY KEY (model_id, image_id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX scores_by_image ON scores (image_id)",
        """CREATE TABLE errors (
            model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            message TEXT NOT NULL,
            PRIMARY KEY (model_id, image_id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX errors_by_image ON errors (image_id)",
        """CREATE TABLE thresholds (
            model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            category INTEGER NOT NULL,
            threshold REAL NOT NULL,
            PRIMARY KEY (model_id, category)
        ) STRICT, WITHOUT ROWID""",
        # By the category's name: a person's word holds whichever model is used.
        """CREATE TABLE decisions (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            category TEXT NOT NULL,
            verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'added')),
            who TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (image_id, category)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE edits (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order: clocks jump
            caption TEXT NOT NULL,
            at INTEGER NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0
        ) STRICT""",
        """CREATE TABLE decision_changes (
            edit_id INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            category TEXT NOT NULL,
            old_verdict TEXT, old_who TEXT, old_at INTEGER,
            new_verdict TEXT, new_who TEXT, new_at INTEGER,
            PRIMARY KEY (edit_id, image_id, category)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX decision_changes_by_image ON decision_changes (image_id)",
        """CREATE TABLE review_changes (
            edit_id INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            old INTEGER NOT NULL,
            new INTEGER NOT NULL,
            PRIMARY KEY (edit_id, image_id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX review_changes_by_image ON review_changes (image_id)",
    ),
    (
        # What the person calls the labels of models, which keep their word.
        """CREATE TABLE label_names (
            name TEXT PRIMARY KEY, -- of the model, as engine.api.label_names.name_key makes it
            label TEXT NOT NULL -- empty: the person does not want to see it
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE name_changes (
            edit_id INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            old TEXT,
            new TEXT,
            PRIMARY KEY (edit_id, name)
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # Scores that were taken over from another model, until this one has seen the image.
        """CREATE TABLE provisional (
            model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            PRIMARY KEY (model_id, image_id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX provisional_by_image ON provisional (image_id)",
        # What a label has learned from, beside the decisions.
        """CREATE TABLE examples (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            category TEXT NOT NULL,
            drawn INTEGER NOT NULL CHECK (drawn IN (0, 1)), -- taken as without it: nobody said so
            PRIMARY KEY (image_id, category)
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # Where folders lie on their volumes, which are mounted here today and there tomorrow.
        """CREATE TABLE folder_places (
            folder_id INTEGER PRIMARY KEY REFERENCES folders (id) ON DELETE CASCADE,
            volume TEXT NOT NULL, -- as engine.library.volumes.Spot has it
            inside BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX folder_places_by_volume ON folder_places (volume, inside)",
    ),
    (
        # Beside an image's own file, in the same folder: the RAW of a JPEG.
        """CREATE TABLE other_files (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            name BLOB NOT NULL,
            PRIMARY KEY (image_id, name)
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # Labels that were written into files beside photos: what undoes it, and what is ours there.
        """CREATE TABLE label_writes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            caption TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE written_files (
            write_id INTEGER NOT NULL REFERENCES label_writes (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            old BLOB, -- what was there, compressed; NULL: no file
            digest TEXT NOT NULL, -- SHA-256 of what is there then
            added TEXT NOT NULL, -- JSON: pairs of list and text
            removed TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('begun', 'done', 'undone', 'left')),
            PRIMARY KEY (write_id, path)
        ) STRICT""",
        "CREATE INDEX written_files_by_path ON written_files (path)",
    ),
    (
        # What a camera wrote into an image; a row of nothing: it was read and says nothing.
        """CREATE TABLE camera_facts (
            image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
            taken TEXT NOT NULL, -- by the camera's clock, ISO 8601 without a zone
            camera TEXT NOT NULL,
            lens TEXT NOT NULL,
            exposure_s REAL,
            aperture REAL,
            iso INTEGER,
            focal_mm REAL,
            width INTEGER,
            height INTEGER,
            latitude REAL,
            longitude REAL
        ) STRICT""",
    ),
    (
        # What is left of writes that are too old to be undone: which keywords of a file are ours.
        """CREATE TABLE own_keywords (
            path BLOB PRIMARY KEY,
            entries TEXT NOT NULL -- JSON: pairs of list and text
        ) STRICT, WITHOUT ROWID""",
        # The state stands behind what was in the file: without this, finding it reads all that.
        "CREATE INDEX written_files_by_state ON written_files (state, write_id)",
        # Images whose labels shall be written into files by themselves and are not yet.
        """CREATE TABLE awaited_writes (
            image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
            reason TEXT NOT NULL -- why the last attempt failed; empty: there was none
        ) STRICT""",
    ),
    (
        # Labels that were written into photos themselves: what tells the photo as it was before.
        "ALTER TABLE written_files ADD COLUMN photo TEXT NOT NULL DEFAULT ''",
    ),
    (
        # Rating, colour label and title, as engine.library.ratings says. What files say: sparse.
        """CREATE TABLE file_attributes (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            attribute TEXT NOT NULL CHECK (attribute IN ('rating', 'color_label', 'title')),
            value TEXT NOT NULL, -- empty: it says that there is none
            PRIMARY KEY (image_id, attribute)
        ) STRICT, WITHOUT ROWID""",
        # Which images' files were read, and what told that they are still the same.
        """CREATE TABLE read_attributes (
            image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
            stamp TEXT NOT NULL
        ) STRICT""",
        # What the person set.
        """CREATE TABLE own_attributes (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            attribute TEXT NOT NULL CHECK (attribute IN ('rating', 'color_label', 'title')),
            value TEXT NOT NULL, -- empty: none
            agreed INTEGER NOT NULL CHECK (agreed IN (0, 1)), -- the file has said the same since
            PRIMARY KEY (image_id, attribute)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE attribute_changes (
            edit_id INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            attribute TEXT NOT NULL CHECK (attribute IN ('rating', 'color_label', 'title')),
            shown TEXT NOT NULL, -- before, whoever set it
            old TEXT, -- of the person; NULL: nothing
            new TEXT,
            PRIMARY KEY (edit_id, image_id, attribute)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX attribute_changes_by_image ON attribute_changes (image_id)",
    ),
    (
        # What exports are being written to: what is still here was left by a crash.
        """CREATE TABLE begun_exports (
            path BLOB PRIMARY KEY -- the temporary file or folder
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # Labels may be from a file that the person imported; a check cannot be changed in place.
        """CREATE TABLE decisions_and_imports (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            category TEXT NOT NULL,
            verdict TEXT NOT NULL
                CHECK (verdict IN ('accepted', 'rejected', 'added', 'imported')),
            who TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (image_id, category)
        ) STRICT, WITHOUT ROWID""",
        "INSERT INTO decisions_and_imports SELECT image_id, category, verdict, who, at"
        " FROM decisions",
        "DROP TABLE decisions",
        "ALTER TABLE decisions_and_imports RENAME TO decisions",
    ),
    (
        # Whose own thresholds count for an int8 network, and which model somebody used last.
        "ALTER TABLE models ADD COLUMN int8_of TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE models ADD COLUMN used INTEGER NOT NULL DEFAULT 0",  # counts up
    ),
    (
        # What images are compared with each other by; only those of one kind can be.
        """CREATE TABLE descriptor_kinds (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL UNIQUE,
            length INTEGER NOT NULL -- of each, in bytes
        ) STRICT""",
        """CREATE TABLE descriptors (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- goes up: what came last is told by it
            kind_id INTEGER NOT NULL REFERENCES descriptor_kinds (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            descriptor BLOB NOT NULL, -- int8, one per direction
            UNIQUE (kind_id, image_id)
        ) STRICT""",
        "CREATE INDEX descriptors_by_image ON descriptors (image_id)",
    ),
    (
        # What was measured of images whatever models say; one without a row was not measured.
        """CREATE TABLE measured (
            image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
            facts INTEGER NOT NULL, -- the bits of engine.api.facts.Fact
            rules INTEGER NOT NULL -- engine.api.facts.RULES at that time
        ) STRICT""",
    ),
)

#: In an order in which each refers only to earlier ones.
TABLES = (
    "folders",
    "images",
    "models",
    "scores",
    "errors",
    "thresholds",
    "decisions",
    "edits",
    "decision_changes",
    "review_changes",
    "label_names",
    "name_changes",
    "provisional",
    "examples",
    "folder_places",
    "other_files",
    "label_writes",
    "written_files",
    "camera_facts",
    "own_keywords",
    "awaited_writes",
    "file_attributes",
    "read_attributes",
    "own_attributes",
    "attribute_changes",
    "begun_exports",
    "descriptor_kinds",
    "descriptors",
    "measured",
)
