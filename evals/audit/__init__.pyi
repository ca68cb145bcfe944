from .grader_audit import audit as audit
