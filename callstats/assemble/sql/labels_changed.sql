SELECT count(*) AS n FROM labels o JOIN labels_new n ON n.uid = o.uid WHERE n.label <> o.label
