from sunusav.core.subjects import SubjectKind

SUBJECT_KINDS = [SubjectKind("tree", exists=lambda key: key == "t-1", label="tree %(key)s")]
