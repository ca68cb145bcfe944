from .contents import write_report as write_report
